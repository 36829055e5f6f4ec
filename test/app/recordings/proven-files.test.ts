/** Plain files that are given out only when their content is what was noted of it. */
import { createHash, randomBytes } from 'node:crypto';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { ProvenFiles } from '../../../src/app/recordings/proven-files.ts';
import { ByteStream } from '../../../src/core/byte-stream.ts';
import { scratchDir } from '../../support/scratch.ts';

const CONTENT = randomBytes(200_000);
const digestOf = (bytes: Buffer) => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});
const NOTED = digestOf(CONTENT);

let path: string;
let nowMs: number;
let files: ProvenFiles;

beforeEach(() => {
  path = join(scratchDir(), 'file');
  writeFileSync(path, CONTENT);
  nowMs = Date.now() + 60_000;
  files = new ProvenFiles({ now: () => nowMs * 1000 });
});

const read = async (noted = NOTED): Promise<Buffer> => buffer(new ByteStream(await files.source(path, noted).open()));

const changed = (): Buffer => {
  const other = Buffer.from(CONTENT);
  other[150_000]! ^= 1;
  return other;
};

test('what was noted is given out, and measured once', async () => {
  for (let n = 0; n < 3; n++) expect((await read()).equals(CONTENT)).toBe(true);
  await Promise.all([read(), read()]);
  expect(files.measured).toBe(1);
});

test('asked for by several at once it is measured once', async () => {
  await Promise.all([read(), read(), read()]);
  expect(files.measured).toBe(1);
});

describe('ARTEFACT_MISMATCH', () => {
  for (const { name, content } of [
    { name: 'one bit is another', content: changed() },
    { name: 'it is shorter', content: CONTENT.subarray(1) },
    { name: 'it is longer', content: Buffer.concat([CONTENT, Buffer.alloc(1)]) },
    { name: 'it is empty', content: Buffer.alloc(0) },
  ])
    test(`${name}, from the start, or changed after it was proven, its times set back`, async () => {
      writeFileSync(path, content);
      await expect(read()).rejects.toMatchObject({ code: 'ARTEFACT_MISMATCH', retryable: false });
      writeFileSync(path, CONTENT);
      utimesSync(path, 1000, 1000);
      expect((await read()).equals(CONTENT)).toBe(true);
      writeFileSync(path, content);
      utimesSync(path, 1000, 1000);
      await expect(read()).rejects.toMatchObject({ code: 'ARTEFACT_MISMATCH' });
    });

  test('when the note is of another content, though the file is known', async () => {
    await read();
    await expect(read(digestOf(changed()))).rejects.toMatchObject({ code: 'ARTEFACT_MISMATCH' });
    expect(files.measured).toBe(1);
  });
});

test('a file that was changed just now is measured each time: its times may not tell the next change', async () => {
  nowMs = Date.now();
  await read();
  await read();
  expect(files.measured).toBe(2);
});

test('gone is INPUT_MISSING', async () => {
  await read();
  rmSync(path);
  await expect(read()).rejects.toMatchObject({ code: 'INPUT_MISSING' });
});
