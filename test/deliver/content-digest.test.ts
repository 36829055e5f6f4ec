import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatContentDigest, measure, parseContentDigest } from '../../src/deliver/content-digest.ts';
import { plainFile } from '../../src/spool/plain-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'content-digest-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the digest of a file is that of RFC 9530 appendix D', async () => {
  const path = join(folder, 'hello.json');
  await writeFile(path, '{"hello": "world"}\n');
  const { sha256, size } = await measure(plainFile(path));
  expect(size).toBe(19);
  expect(formatContentDigest(sha256)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
});

test('an empty file has a digest and no bytes', async () => {
  const path = join(folder, 'empty');
  await writeFile(path, '');
  const { sha256, size } = await measure(plainFile(path));
  expect([size, sha256.toString('hex').slice(0, 16)]).toEqual([0, 'e3b0c44298fc1c14']);
});

test('a file that is not there, or a folder, is missing input', async () => {
  await expect(measure(plainFile(join(folder, 'absent')))).rejects.toMatchObject({ code: 'INPUT_MISSING' });
  await expect(measure(plainFile(folder))).rejects.toMatchObject({ code: 'INPUT_MISSING' });
});

describe('a received field', () => {
  for (const { value, want } of [
    { value: 'sha-256=:AAEC:', want: { 'sha-256': '000102' } },
    { value: 'sha-512=:AA==:,\tsha-256=:AQ==:', want: { 'sha-512': '00', 'sha-256': '01' } },
    { value: 'md5=:AAEC:', want: {} },
    { value: 'sha-256=::', want: { 'sha-256': '' } },
    { value: 'sha-256=AAEC', want: undefined },
    { value: 'sha-256', want: undefined },
    { value: 'sha-256=:A A:', want: undefined },
    { value: 'sha-256=:AAEC:;', want: undefined },
    { value: 'sha-256=:AAEC:,', want: undefined },
    { value: '', want: undefined },
  ]) {
    test(`${JSON.stringify(value)} is ${want ? 'read' : 'malformed'}`, () => {
      const read = parseContentDigest(value);
      expect(read && Object.fromEntries([...read].map(([name, bytes]) => [name, bytes.toString('hex')]))).toEqual(want);
    });
  }

  test('any text is read or refused, never thrown over', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseContentDigest(text)));
  });
});
