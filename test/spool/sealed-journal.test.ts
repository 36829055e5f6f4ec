/** Journals under a key: what they give back, what they show to whoever has no key, and what cuts, damage and swaps come to. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { type JournalEnd, readJournal } from '../../src/spool/journal-reader.ts';
import { type OpenRecord, RECORD_HEAD_BYTES } from '../../src/spool/journal-record.ts';
import {
  SEALED_HEAD_BYTES,
  SEGMENT_HEAD_BYTES,
  SegmentOpener,
  SegmentSealer,
  TAG_BYTES,
} from '../../src/spool/journal-segments.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { newSealKey, SALT_BYTES, type SealKey } from '../../src/spool/seal/seal-key.ts';
import { SAMPLE_HEAD, SAMPLE_TRACK as TRACK } from '../support/sample-journal.ts';
import { scratchDir } from '../support/scratch.ts';

const SECRET = Buffer.from('53ecb1374e9a0fd16288c5f31b7d24a9', 'hex');
const OPEN: OpenRecord = { ...SAMPLE_HEAD, callId: 'call-of-somebody' };

const KEY = newSealKey(randomBytes);

/** What is done to a journal: a frame of so many bytes (the secret among them), or its flush, or waiting for the disk. */
type Step = { readonly kind: 'frame'; readonly bytes: number } | { readonly kind: 'flush' | 'sync' | 'mask' };
const STEPS = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('frame' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'sync' as const, 'mask' as const) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'frame' as const, bytes: 70_000 }) },
  ),
  { maxLength: 40 },
);

const payloadOf = (n: number, bytes: number): Buffer =>
  Buffer.concat([SECRET, Buffer.alloc(bytes, n)]).subarray(0, Math.max(bytes, n % 2 === 0 ? SECRET.length : 0));

/** @returns its path, and its records as `read` gives them. */
const write = async (folder: string, steps: readonly Step[], key: SealKey | 'none' = KEY, name = 'j') => {
  const path = join(folder, `${name}.journal`);
  const journal = new JournalWriter(path, OPEN, key === 'none' ? {} : { key });
  const records: string[] = ['open', 'track'];
  journal.note('track', TRACK);
  for (const [n, step] of steps.entries()) {
    if (step.kind === 'frame') {
      const payload = payloadOf(n, step.bytes);
      journal.frame(0, n, n * 160, payload, 0, payload.length);
      records.push(`frame ${n} ${payload.toString('base64')}`);
    } else if (step.kind === 'mask') {
      const at = { startUs: n, askedAtUs: n, effectiveAtUs: n };
      journal.note('mask', { id: n, endUs: null, trigger: { kind: 'api' }, ...at });
      records.push(`mask ${n}`);
    } else if (step.kind === 'sync') await journal.sync();
    else journal.flush();
  }
  await journal.close();
  return { path, records };
};

const read = (path: string, key: SealKey | undefined = KEY): { records: string[]; end: JournalEnd } => {
  const end: JournalEnd = { bytes: 0, torn: false };
  const records: string[] = [];
  for (const record of readJournal(path, end, key)) {
    if (record.kind === 'frame')
      records.push(`frame ${record.frame.arrivalUs} ${record.frame.payload.toString('base64')}`);
    else records.push(record.kind === 'mask' ? `mask ${record.mask.id}` : record.kind);
  }
  return { records, end };
};

/** As `read`; undefined where it is no journal at all. */
const readAny = (path: string, key?: SealKey): ReturnType<typeof read> | undefined => {
  try {
    return read(path, key);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('JOURNAL_UNREADABLE');
    return undefined;
  }
};

/** Where its segments begin and end. */
const segmentsOf = (bytes: Buffer): { from: number; to: number }[] => {
  const found: { from: number; to: number }[] = [];
  for (let from = SEALED_HEAD_BYTES; from < bytes.length; ) {
    const to = from + SEGMENT_HEAD_BYTES + bytes.readUInt32LE(from) + TAG_BYTES;
    found.push({ from, to });
    from = to;
  }
  return found;
};

describe('a sealed journal', () => {
  test('gives back what was written, however it was flushed, and shows none of it without the key', async () => {
    await fc.assert(
      fc.asyncProperty(STEPS, async (steps) => {
        const { path, records } = await write(scratchDir(), steps);
        expect(read(path)).toEqual({ records, end: { bytes: expect.any(Number), torn: false } });
        const bytes = readFileSync(path);
        for (const shown of [SECRET, Buffer.from(OPEN.callId), Buffer.from('PCMU')])
          expect(bytes.includes(shown)).toBe(false);
        // The search is one: the plain journal holds it.
        if (records.some((each) => each.includes(SECRET.toString('base64').slice(0, 20)))) {
          const plain = await write(scratchDir(), steps, 'none');
          expect(readFileSync(plain.path).includes(SECRET)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('cut at any byte, reads as far as its segments are whole, and says whether one is not', async () => {
    await fc.assert(
      fc.asyncProperty(STEPS, fc.double({ min: 0, max: 1, noNaN: true }), async (steps, share) => {
        const folder = scratchDir();
        const { path, records } = await write(folder, steps);
        const whole = readFileSync(path);
        const length = Math.floor(share * whole.length);
        writeFileSync(path, whole.subarray(0, length));
        const ends = segmentsOf(whole).map(({ to }) => to);
        const found = readAny(path);
        if (found === undefined) {
          expect(length).toBeLessThan(ends[0]!);
          return;
        }
        expect(found.records).toEqual(records.slice(0, found.records.length));
        expect(found.end.torn).toBe(!ends.includes(length) && length !== whole.length);
        // What was flushed before the cut is there.
        expect(found.records.length).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 60 },
    );
  });

  test('cut at every byte of a small one: never more than was there, never less than its whole segments', async () => {
    const folder = scratchDir();
    const { path, records } = await write(folder, [
      { kind: 'sync' },
      { kind: 'frame', bytes: 30 },
      { kind: 'sync' },
      { kind: 'mask' },
    ]);
    const whole = readFileSync(path);
    const segments = segmentsOf(whole);
    expect(segments).toHaveLength(3);
    const counts = [0, 2, 3, 4];
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const complete = segments.filter(({ to }) => to <= length).length;
      expect(readAny(path)?.records ?? []).toEqual(records.slice(0, counts[complete]));
    }
  });

  test('with one bit flipped, gives what was before that segment, or nothing', async () => {
    await fc.assert(
      fc.asyncProperty(STEPS, fc.nat(), fc.nat({ max: 7 }), async (steps, where, bit) => {
        const { path, records } = await write(scratchDir(), steps);
        const bytes = readFileSync(path);
        const at = where % bytes.length;
        const segment = segmentsOf(bytes).findIndex(({ from, to }) => at >= from && at < to);
        bytes[at]! ^= 1 << bit;
        writeFileSync(path, bytes);
        const found = readAny(path);
        if (segment <= 0) {
          expect(found).toBeUndefined();
          return;
        }
        expect(found!.records).toEqual(records.slice(0, found!.records.length));
        expect(found!.records.length).toBeLessThan(records.length);
        expect(found!.end.torn).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('with segments swapped, repeated or left out, ends where the order does', async () => {
    const steps: Step[] = [1, 2, 3, 4].flatMap((): Step[] => [{ kind: 'frame', bytes: 100 }, { kind: 'sync' }]);
    const { path, records } = await write(scratchDir(), steps);
    const bytes = readFileSync(path);
    const parts = segmentsOf(bytes).map(({ from, to }) => bytes.subarray(from, to));
    expect(parts).toHaveLength(4);
    const [one, two, three, four] = parts as [Buffer, Buffer, Buffer, Buffer];
    for (const { order, count } of [
      { order: [one, three, two, four], count: 3 },
      { order: [one, two, two, four], count: 4 },
      { order: [one, two, four], count: 4 },
      { order: [two, one, three, four], count: 0 },
      { order: [one, two, three, four, one], count: 6 },
    ]) {
      writeFileSync(path, Buffer.concat([bytes.subarray(0, SEALED_HEAD_BYTES), ...order]));
      const found = readAny(path);
      expect(found?.records ?? []).toEqual(records.slice(0, count));
      expect(found?.end.torn ?? true).toBe(true);
    }
  });

  test("takes no segment of another journal, though it is that segment's place and the same key", async () => {
    const folder = scratchDir();
    const steps: Step[] = [{ kind: 'frame', bytes: 100 }, { kind: 'sync' }, { kind: 'frame', bytes: 100 }];
    const [own, other] = [await write(folder, steps), await write(folder, steps, KEY, 'other')];
    const [bytes, others] = [readFileSync(own.path), readFileSync(other.path)];
    expect(bytes.length).toBe(others.length);
    const { from } = segmentsOf(bytes)[1]!;
    writeFileSync(own.path, Buffer.concat([bytes.subarray(0, from), others.subarray(from)]));
    expect(read(own.path)).toMatchObject({ records: own.records.slice(0, 3), end: { torn: true } });
  });

  for (const { name, sum } of [
    { name: 'none', sum: undefined },
    { name: 'a right one, as they once had', sum: (body: Buffer) => crc32(body) },
    { name: 'a wrong one', sum: (body: Buffer) => crc32(body) ^ 1 },
  ]) {
    test(`is read by its segments' tags: of its records' sums there is ${name}`, async () => {
      const steps: Step[] = [{ kind: 'frame', bytes: 300 }, { kind: 'mask' }];
      const { path, records } = await write(scratchDir(), steps);
      const bytes = readFileSync(path);
      const readAt = (into: Buffer, at: number, position: number): number => bytes.copy(into, at, position);
      const { content } = new SegmentOpener(KEY, bytes).open(readAt, SEALED_HEAD_BYTES, 0)!;
      for (let at = 0; at < content.length; at += RECORD_HEAD_BYTES + content.readUInt32LE(at)) {
        expect(content.readUInt32LE(at + 4)).toBe(0);
        const body = content.subarray(at + RECORD_HEAD_BYTES, at + RECORD_HEAD_BYTES + content.readUInt32LE(at));
        if (sum !== undefined) content.writeUInt32LE(sum(body) >>> 0, at + 4);
      }
      const salt = bytes.subarray(SEALED_HEAD_BYTES - SALT_BYTES, SEALED_HEAD_BYTES);
      writeFileSync(path, Buffer.concat(new SegmentSealer(KEY, salt).seal(content)));
      expect(read(path)).toEqual({ records, end: { bytes: expect.any(Number), torn: false } });
    });
  }

  for (const { name, key, code } of [
    { name: 'another key', key: newSealKey(randomBytes), code: 'JOURNAL_UNREADABLE' },
    { name: 'no key', key: undefined, code: 'KEY_MISSING' },
  ]) {
    test(`says so to ${name}, and names neither`, async () => {
      const { path } = await write(scratchDir(), [{ kind: 'frame', bytes: 100 }]);
      const reading = () => [...readJournal(path, undefined, key)];
      expect(reading).toThrow(expect.objectContaining({ code }));
      const hex = KEY.export().toString('hex');
      expect(reading).not.toThrow(hex);
    });
  }

  test('is not a plain one that somebody put in its place', async () => {
    const { path } = await write(scratchDir(), [], 'none');
    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'JOURNAL_UNREADABLE' }));
    expect([...readJournal(path)]).toHaveLength(2);
  });

  test('random bytes behind its magic are none', () => {
    const path = join(scratchDir(), 'random');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        writeFileSync(path, Buffer.concat([Buffer.from('RCJOURN2'), bytes]));
        expect(readAny(path)).toBeUndefined();
      }),
    );
  });

  test('has a segment per flush and none for a flush of nothing; what is synced is on disk, whatever has gathered since', async () => {
    const path = join(scratchDir(), 'j.journal');
    const journal = new JournalWriter(path, OPEN, { key: KEY });
    await journal.sync();
    for (let n = 0; n < 3; n++) journal.flush();
    journal.note('track', TRACK);
    await journal.sync();
    journal.note('track', TRACK);
    expect(segmentsOf(readFileSync(path))).toHaveLength(2);
    expect(read(path).records).toEqual(['open', 'track']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await journal.close();
  });

  test('two of one content and key have nothing in common but their magic', async () => {
    const folder = scratchDir();
    const [one, two] = [await write(folder, [], KEY, 'one'), await write(folder, [], KEY, 'two')];
    const [a, b] = [readFileSync(one.path), readFileSync(two.path)];
    expect(a.subarray(0, 8)).toEqual(b.subarray(0, 8));
    const same = a.subarray(8).filter((byte, n) => byte === b[n + 8]).length;
    expect(same).toBeLessThan(a.length / 8);
  });

  test('waits with its first byte, its file even, until its key is durable, and takes frames meanwhile', async () => {
    const path = join(scratchDir(), 'j.journal');
    let release = (): void => {};
    const ready = new Promise<void>((resolve) => {
      release = resolve;
    });
    const journal = new JournalWriter(path, OPEN, { key: KEY, ready });
    const payload = payloadOf(0, 200);
    journal.frame(0, 1, 2, payload, 0, payload.length);
    let isSynced = false;
    const synced = journal.sync().then(() => (isSynced = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([existsSync(path), isSynced]).toEqual([false, false]);
    release();
    await synced;
    expect(read(path).records).toHaveLength(2);
    await journal.close();
  });

  test('whose key can not be kept takes nothing, says why, and leaves no file', async () => {
    const path = join(scratchDir(), 'j.journal');
    const why = new AppError('JOURNAL_UNWRITABLE', 'the key of recording x can’t be kept (ENOSPC)');
    const journal = new JournalWriter(path, OPEN, { key: KEY, ready: Promise.reject(why) });
    journal.frame(0, 1, 2, SECRET, 0, SECRET.length);
    await expect(journal.sync()).rejects.toBe(why);
    await vi.waitFor(() => expect(journal.failure).toBe(why));
    await expect(journal.close()).rejects.toBe(why);
    expect(existsSync(path)).toBe(false);
  });
});
