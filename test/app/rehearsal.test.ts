/** What a rehearsal foresees is what the finalizer finds: a journal that carries it makes the same artefact, also where a clock drifts. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RehearsedJournal } from '../../src/app/rehearsal.ts';
import { finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { readJournal } from '../../src/spool/journal-reader.ts';
import type { Foreseen } from '../../src/spool/journal-record.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { type LongCall, type LongLeg, recordLongCall } from '../support/long-call.ts';
import { scratchDir } from '../support/scratch.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 8);

const rehearse = (path: string): Foreseen => {
  let journal: RehearsedJournal | undefined;
  for (const record of readJournal(path)) {
    if (record.kind === 'open') journal = new RehearsedJournal(path, record.open);
    else if (record.kind === 'frame') {
      const { track, arrivalUs, ticks, payload } = record.frame;
      // As a packet lies in what the socket gave, and is gone afterwards.
      const room = Buffer.alloc(payload.length + 40, 0xee);
      payload.copy(room, 20);
      journal!.frame(track, arrivalUs, ticks, room, 20, 20 + payload.length);
      room.fill(0);
    } else journal!.note(record.kind, (record as never)[record.kind]);
  }
  return journal!.foreseen;
};

/** The same journal, as one whose call was rehearsed. */
const foretold = async (from: string, to: string, { lines, ...extent }: Foreseen): Promise<void> => {
  let journal: JournalWriter | undefined;
  for (const record of readJournal(from)) {
    if (record.kind === 'open') journal = new JournalWriter(to, { ...record.open, extent });
    else if (record.kind === 'track') journal!.note('track', { ...record.track, path: lines.get(record.track.line)! });
    else if (record.kind === 'frame') {
      const { track, arrivalUs, ticks, payload } = record.frame;
      journal!.frame(track, arrivalUs, ticks, payload, 0, payload.length);
    } else journal!.note(record.kind, (record as never)[record.kind]);
  }
  await journal!.close();
};

const artefact = async (journalPath: string, directory: string): Promise<{ bytes: Buffer; gaps: unknown }> => {
  mkdirSync(directory);
  const result = await finalizeRecording({ journalPath, directory, mediaName: 'x.wav', encoder: 'lamejs' });
  if (result.state !== 'stored') throw new Error(result.state);
  return { bytes: readFileSync(result.path), gaps: [result.manifest.legs.a.gaps, result.manifest.legs.b.gaps] };
};

const legs: fc.Arbitrary<LongLeg> = fc
  .record({
    ppm: fc.constantFrom(0, 200, -200),
    jitterMs: fc.constantFrom(0, 20),
    holdAt: fc.constantFrom(undefined, 50),
    step: fc.constantFrom(0, 25, 700),
    changeAt: fc.constantFrom(undefined, 45, 80),
  })
  .map(({ ppm, jitterMs, holdAt, step, changeAt }) => ({
    ppm: (seconds) => (seconds < 80 ? ppm : -ppm),
    jitterMs,
    delayMs: (seconds) => (seconds > 60 ? step : 5),
    speaks: (seconds) => holdAt === undefined || seconds < holdAt || seconds > holdAt + 40,
    changes: changeAt === undefined ? [] : [{ atSeconds: changeAt }],
  }));

const calls: fc.Arbitrary<LongCall> = fc.record({
  seed: fc.integer({ min: 1, max: 1e9 }),
  seconds: fc.integer({ min: 20, max: 150 }),
  legs: fc.record({ a: legs, b: legs }),
  masks: fc.constantFrom([], [{ from: 20, to: 70 }], [{ from: 40 }]),
});

test('what a rehearsal foresees is what the finalizer finds, to the sample', async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (call) => {
      const folder = scratchDir();
      const path = await recordLongCall(folder, call);
      const foreseen = rehearse(path);
      const again = join(folder, 'foretold.journal');
      await foretold(path, again, foreseen);
      const [found, told] = [await artefact(path, join(folder, 'found')), await artefact(again, join(folder, 'told'))];
      expect(told.bytes.equals(found.bytes)).toBe(true);
      expect(told.gaps).toEqual(found.gaps);
    }),
    { numRuns: RUNS },
  );
}, 300_000);

test('a clock that drifts is foreseen in pieces', async () => {
  const drifting: LongLeg = { ppm: () => 200, jitterMs: 4 };
  const path = await recordLongCall(scratchDir(), { seed: 1, seconds: 150, legs: { a: drifting, b: {} } });
  const { lines } = rehearse(path);
  const pieces = [...lines.values()].map((line) => line.length);
  expect(pieces).toHaveLength(2);
  expect(Math.max(...pieces)).toBeGreaterThan(1);
  expect(Math.min(...pieces)).toBe(1);
});

test('what contradicts itself on the way is foreseen with all of it in view', async () => {
  const late: LongLeg = {
    changes: [{ atSeconds: 70, codec: { name: 'L16', clockRate: 16_000, channels: 1 } }],
    ppm: () => 150,
  };
  const path = await recordLongCall(scratchDir(), { seed: 1, seconds: 150, legs: { a: late, b: { ppm: () => 150 } } });
  const { lines } = rehearse(path);
  // A line is one piece then, and one that was long enough has its drift.
  for (const line of lines.values()) expect(line).toHaveLength(1);
  expect([...lines.values()].some(([piece]) => Math.abs(piece!.scale - 1.00015) < 1e-5)).toBe(true);
});
