import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { type JournalEnd, readJournal } from '../../src/spool/journal-reader.ts';
import { KIND, type MaskRecord, RECORD_HEAD_BYTES } from '../../src/spool/journal-record.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { SAMPLE_HEAD as OPEN, SAMPLE_TRACK as TRACK } from '../support/sample-journal.ts';
import { scratchDir } from '../support/scratch.ts';

const MASK: MaskRecord = {
  id: 0,
  startUs: 1.7e15,
  endUs: null,
  trigger: { kind: 'dtmf', leg: 'b' },
  askedAtUs: 1.7e15,
  effectiveAtUs: 1.7e15,
};

/** What a journal says, in a form that can be compared. */
const read = (path: string): { kinds: string[]; frames: [number, number, number, string][]; end: JournalEnd } => {
  const end: JournalEnd = { bytes: 0, torn: false };
  const kinds: string[] = [];
  const frames: [number, number, number, string][] = [];
  for (const record of readJournal(path, end)) {
    kinds.push(record.kind);
    if (record.kind !== 'frame') continue;
    const { track, arrivalUs, ticks, payload } = record.frame;
    frames.push([track, arrivalUs, ticks, payload.toString('hex')]);
  }
  return { kinds, frames, end };
};

const write = async (folder: string, payloads: readonly Uint8Array[]): Promise<string> => {
  const path = join(folder, 'j.journal');
  const journal = new JournalWriter(path, OPEN);
  journal.note('track', TRACK);
  for (const [n, payload] of payloads.entries())
    journal.frame(0, 1.7e15 + n * 20_000.25, n * 160, payload, 0, payload.length);
  journal.note('mask', MASK);
  await journal.close();
  return path;
};

describe('a journal', () => {
  test('gives back what was written, frames to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 100 }), async (payloads) => {
        const { kinds, frames, end } = read(await write(scratchDir(), payloads));
        expect(kinds).toEqual(['open', 'track', ...payloads.map(() => 'frame'), 'mask']);
        expect(frames).toEqual(
          payloads.map((p, n) => [0, 1.7e15 + n * 20_000.25, n * 160, Buffer.from(p).toString('hex')]),
        );
        expect(end.torn).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  test('takes records larger than a block', async () => {
    const large = Buffer.alloc(200_000, 7);
    const { frames } = read(await write(scratchDir(), [large, Buffer.from([1]), large]));
    expect(frames.map(([, , , hex]) => hex.length / 2)).toEqual([200_000, 1, 200_000]);
  });

  test('cut at any byte, reads as far as it is whole', async () => {
    const folder = scratchDir();
    const path = await write(folder, [Buffer.from('one'), Buffer.from('two')]);
    const whole = readFileSync(path);
    const cut = join(folder, 'cut.journal');
    let most = 0;
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(cut, whole.subarray(0, length));
      try {
        const { kinds, end } = read(cut);
        expect(end.bytes).toBeLessThanOrEqual(length);
        expect(end.torn).toBe(end.bytes < length);
        expect(kinds.length).toBeGreaterThanOrEqual(most);
        most = kinds.length;
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        expect((error as AppError).code).toBe('JOURNAL_UNREADABLE');
        expect(most).toBe(0);
      }
    }
    expect(most).toBe(4);
  });

  test('damaged at any byte behind its head, gives a prefix and nothing that was not written', async () => {
    const folder = scratchDir();
    const path = await write(folder, [Buffer.from('first payload'), Buffer.from('second payload')]);
    const whole = readFileSync(path);
    const good = read(path);
    const head = 8 + 8 + whole.readUInt32LE(8);
    const bad = join(folder, 'bad.journal');
    for (let at = head; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x41;
      writeFileSync(bad, damaged);
      const { kinds, frames, end } = read(bad);
      expect(kinds).toEqual(good.kinds.slice(0, kinds.length));
      expect(frames).toEqual(good.frames.slice(0, frames.length));
      expect(end.torn).toBe(true);
    }
  });

  test('that is plain is read as far as its sums are right: none is a wrong one', async () => {
    const path = await write(scratchDir(), [Buffer.from('payload')]);
    const bytes = readFileSync(path);
    const second = 8 + 8 + bytes.readUInt32LE(8);
    bytes.writeUInt32LE(0, second + 4);
    writeFileSync(path, bytes);
    expect(read(path)).toMatchObject({ kinds: ['open'], end: { torn: true } });
  });

  test('with a frame that is shorter than its head ends before it, however right its sum is', async () => {
    const path = await write(scratchDir(), [Buffer.from('whole')]);
    const body = Buffer.from([KIND.frame, ...Buffer.from('short')]);
    const head = Buffer.alloc(RECORD_HEAD_BYTES);
    head.writeUInt32LE(body.length, 0);
    head.writeUInt32LE(crc32(body), 4);
    appendFileSync(path, Buffer.concat([head, body]));
    const { frames, end } = read(path);
    expect(frames).toHaveLength(1);
    expect(end.torn).toBe(true);
  });

  test('random bytes are no journal', () => {
    const path = join(scratchDir(), 'random');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, headed) => {
        writeFileSync(path, headed ? Buffer.concat([Buffer.from('RCJOURN1'), bytes]) : bytes);
        expect(() => read(path)).toThrow(AppError);
      }),
    );
  });

  test('bytes behind its end are a torn tail', async () => {
    const path = await write(scratchDir(), [Buffer.from('one')]);
    appendFileSync(path, Buffer.alloc(300, 0xff));
    expect(read(path)).toMatchObject({ kinds: ['open', 'track', 'frame', 'mask'], end: { torn: true } });
  });

  test('is readable by its owner only', async () => {
    expect(statSync(await write(scratchDir(), [])).mode & 0o777).toBe(0o600);
  });

  test('is never written over another', async () => {
    const folder = scratchDir();
    await write(folder, [Buffer.from('one')]);
    await expect(write(folder, [])).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    expect(read(join(folder, 'j.journal')).frames).toHaveLength(1);
  });

  test('that can not be made says so at every sync, and takes nothing', async () => {
    const journal = new JournalWriter(join(scratchDir(), 'missing', 'j.journal'), OPEN);
    journal.frame(0, 0, 0, Buffer.from('x'), 0, 1);
    await expect(journal.sync()).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    await expect(journal.sync()).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    expect(journal.failure?.code).toBe('JOURNAL_UNWRITABLE');
    await expect(journal.close()).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
  });

  test('closes once', async () => {
    const journal = new JournalWriter(join(scratchDir(), 'j.journal'), OPEN);
    await journal.close();
    await journal.close();
    journal.frame(0, 0, 0, Buffer.from('x'), 0, 1);
    expect(read(journal.path).kinds).toEqual(['open']);
  });
});
