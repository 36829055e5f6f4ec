/** A journal that is read while it is written: what is whole is there, what is not comes later, and nothing is lost or read twice. */
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JournalCursor } from '../../src/spool/journal-cursor.ts';
import { JournalSource } from '../../src/spool/journal-source.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { newSealKey, type SealKey } from '../../src/spool/seal/seal-key.ts';
import { SAMPLE_HEAD, SAMPLE_TRACK } from '../support/sample-journal.ts';
import { scratchDir } from '../support/scratch.ts';

const KEY = newSealKey((bytes) => Buffer.alloc(bytes, 9));

/** A journal of some frames; a flush after each of those numbered. */
const write = async (folder: string, payloads: readonly Uint8Array[], key: SealKey | undefined): Promise<Buffer> => {
  const path = join(folder, 'whole.journal');
  const journal = new JournalWriter(path, SAMPLE_HEAD, key === undefined ? {} : { key });
  journal.note('track', SAMPLE_TRACK);
  for (const [n, payload] of payloads.entries()) {
    journal.frame(0, n, n * 160, payload, 0, payload.length);
    if (payload.length % 3 > 0) continue;
    journal.flush();
    await journal.drained();
  }
  await journal.close();
  return readFileSync(path);
};

const drain = (cursor: JournalCursor, into: string[]): void => {
  for (let record = cursor.next(); record !== undefined; record = cursor.next())
    into.push(record.kind === 'frame' ? Buffer.from(record.frame.payload).toString('hex') : record.kind);
};

const growing = fc.record({
  payloads: fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 60 }),
  pieces: fc.infiniteStream(fc.integer({ min: 1, max: 5000 })),
  rests: fc.infiniteStream(fc.boolean()),
  isSealed: fc.boolean(),
});

describe('a journal that grows', () => {
  test('is read as far as it is whole, and on from there, in whatever pieces it comes', async () => {
    await fc.assert(
      fc.asyncProperty(growing, async ({ payloads, pieces, rests, isSealed }) => {
        const folder = scratchDir();
        const key = isSealed ? KEY : undefined;
        const whole = await write(folder, payloads, key);
        const path = join(folder, 'growing.journal');
        writeFileSync(path, '');
        let source: JournalSource | undefined;
        let cursors: JournalCursor[] = [];
        const read: string[][] = [[], []];
        for (let at = 0; at < whole.length; ) {
          const bytes = pieces.next().value!;
          appendFileSync(path, whole.subarray(at, at + bytes));
          at += bytes;
          source ??= JournalSource.open({ path, key });
          if (source === undefined) continue;
          if (cursors.length === 0) cursors = [new JournalCursor(source), new JournalCursor(source)];
          for (const [index, cursor] of cursors.entries()) {
            // The second goes its own way.
            if (index === 1 && bytes % 2 === 0 && at < whole.length) continue;
            drain(cursor, read[index]!);
            if (rests.next().value || at < whole.length) cursor.rest();
          }
        }
        const expected = ['open', 'track', ...payloads.map((payload) => Buffer.from(payload).toString('hex'))];
        expect(read).toEqual([expected, expected]);
        expect(cursors.map((cursor) => cursor.hasMore)).toEqual([false, false]);
        source?.close();
      }),
      { numRuns: 60 },
    );
  });

  for (const key of [undefined, KEY])
    test(`${key === undefined ? 'plain' : 'sealed'}, shows a half-written tail only when it is whole`, async () => {
      const folder = scratchDir();
      const whole = await write(folder, [Buffer.alloc(300, 1), Buffer.alloc(300, 2)], key);
      const path = join(folder, 'growing.journal');
      // A block that the file system has made room for, and not filled yet.
      writeFileSync(path, Buffer.concat([whole.subarray(0, whole.length - 100), Buffer.alloc(100)]));
      const source = JournalSource.open({ path, key })!;
      const cursor = new JournalCursor(source);
      const read: string[] = [];
      drain(cursor, read);
      expect(read).toHaveLength(3);
      expect(cursor.hasMore).toBe(true);
      cursor.rest();
      writeFileSync(path, whole);
      drain(cursor, read);
      expect(read.at(-1)).toBe(Buffer.alloc(300, 2).toString('hex'));
      expect(cursor.hasMore).toBe(false);
      source.close();
    });

  test('holds no buffer while it rests', async () => {
    const folder = scratchDir();
    await write(
      folder,
      Array.from({ length: 50 }, (_, n) => Buffer.alloc(200, n)),
      undefined,
    );
    const source = JournalSource.open({ path: join(folder, 'whole.journal') })!;
    const window = source.window();
    expect(window.fill(100)).toBe(true);
    window.from += 40;
    const next = Buffer.from(window.buffer.subarray(window.from, window.from + 60));
    window.rest();
    expect(window.buffer.length).toBe(0);
    expect(window.fill(60)).toBe(true);
    expect(window.buffer.subarray(window.from, window.from + 60)).toEqual(next);
    source.close();
  });

  test('that is too short to be any is none yet; one that begins otherwise never will be', async () => {
    const folder = scratchDir();
    const whole = await write(folder, [], KEY);
    const path = join(folder, 'short.journal');
    for (let length = 0; length < 40; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(JournalSource.open({ path, key: KEY })).toBeUndefined();
    }
    writeFileSync(path, 'RCJOURN9 and so on');
    expect(() => JournalSource.open({ path, key: KEY })).toThrow('not a journal');
    writeFileSync(path, whole);
    truncateSync(path, 8);
    expect(() => JournalSource.open({ path })).toThrow('its key is gone');
  });
});
