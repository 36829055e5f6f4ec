/**
 * A recording that is followed while it is made comes out as one that is finalized afterwards, to the byte, however the journal grew and
 * whenever it was looked at; and nothing is left of one that was given up.
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Finalization } from '../../src/finalize/finalization.ts';
import { type FinalizeResult, finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { newSealKey, type SealKey } from '../../src/spool/seal/seal-key.ts';
import { type LongCall, type LongLeg, recordLongCall, sealedCopy } from '../support/long-call.ts';
import { scratchDir } from '../support/scratch.ts';
import { seeded } from '../support/tones.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 12);

const KEY: SealKey = newSealKey((bytes) => Buffer.alloc(bytes, 7));

const folderFor = (root: string, name: string): string => {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
};

const nameOf = ({ fields }: LongCall): string => `call.${fields?.format ?? 'wav'}`;

/** What it came to: manifest and bytes, or that it was discarded. */
const outcome = (result: FinalizeResult): unknown =>
  result.state === 'discarded'
    ? result
    : { manifest: readFileSync(result.manifestPath, 'utf8'), bytes: readFileSync(result.path).toString('base64') };

/** Follows a journal that grows by pieces, looked at now and then. */
const follow = async (
  journal: Buffer,
  root: string,
  call: LongCall,
  pieces: () => number,
  key?: SealKey,
): Promise<{ result: FinalizeResult; states: Set<string>; left: string[] }> => {
  const directory = folderFor(root, 'followed');
  const journalPath = join(root, 'growing.journal');
  writeFileSync(journalPath, '');
  const job = { journalPath, directory, encoder: 'lamejs' as const, ...(key && { journalKey: key }) };
  const finalization = new Finalization(job);
  const states = new Set<string>();
  for (let at = 0; at < journal.length; ) {
    const bytes = pieces();
    appendFileSync(journalPath, journal.subarray(at, at + bytes));
    at += bytes;
    for (let looks = bytes % 3; looks > 0; looks--) states.add(await finalization.advance(bytes % 2 === 0 ? 0 : 20));
  }
  const result = await finalization.finish({ ...job, mediaName: nameOf(call) });
  return { result, states, left: readdirSync(directory).filter((name) => name.startsWith('.')) };
};

const compare = async (call: LongCall, seed: number, sealed: boolean, cut = 1): Promise<Set<string>> => {
  const root = scratchDir();
  const random = seeded(seed);
  let journalPath = await recordLongCall(folderFor(root, 'recorded'), call);
  const key = sealed ? KEY : undefined;
  if (sealed) {
    const path = join(root, 'sealed.journal');
    // The first segment is small: a head that is whole can be recovered from.
    let isFirst = true;
    await sealedCopy(journalPath, path, KEY, () => {
      const records = isFirst ? 1 : 1 + Math.floor(random() * 200);
      isFirst = false;
      return records;
    });
    journalPath = path;
  }
  const whole = readFileSync(journalPath);
  const journal = whole.subarray(0, Math.max(4096, Math.ceil(whole.length * cut)));
  writeFileSync(journalPath, journal);
  const job = { journalPath, encoder: 'lamejs' as const, ...(key && { journalKey: key }), mediaName: nameOf(call) };
  const afterwards = await finalizeRecording({ ...job, directory: folderFor(root, 'afterwards') });
  const pieces = (): number => Math.floor(random() ** 4 * 200_000) + 1;
  const { result, states, left } = await follow(journal, root, call, pieces, key);
  expect(outcome(result)).toEqual(outcome(afterwards));
  expect(left).toEqual([]);
  rmSync(root, { recursive: true });
  return states;
};

const legs: fc.Arbitrary<LongLeg> = fc
  .record({
    ppm: fc.constantFrom(0, 0, 150, -300),
    changesPpmAt: fc.constantFrom(undefined, 70),
    jitterMs: fc.constantFrom(0, 4, 60),
    loss: fc.constantFrom(0, 0.02),
    step: fc.record({ at: fc.integer({ min: 5, max: 120 }), ms: fc.constantFrom(0, 0, 20, 90, 600) }),
    hold: fc.record({ at: fc.integer({ min: 0, max: 100 }), seconds: fc.constantFrom(0, 0, 0.5, 3, 45) }),
    changes: fc.uniqueArray(fc.integer({ min: 5, max: 120 }), { maxLength: 2 }),
  })
  .map(({ ppm, changesPpmAt, jitterMs, loss, step, hold, changes }) => ({
    ppm: (seconds) => (changesPpmAt !== undefined && seconds > changesPpmAt ? -ppm : ppm),
    delayMs: (seconds) => (seconds > step.at ? step.ms : 10),
    jitterMs,
    loss,
    speaks: (seconds) => seconds < hold.at || seconds > hold.at + hold.seconds,
    changes: changes.sort((one, other) => one - other).map((atSeconds) => ({ atSeconds })),
  }));

const calls: fc.Arbitrary<LongCall> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  seconds: fc.integer({ min: 20, max: 140 }),
  legs: fc.record({ a: legs, b: legs }),
  fields: fc.record({
    format: fc.constantFrom('wav' as const, 'wav' as const, 'mp3' as const),
    channels: fc.constantFrom('stereo' as const, 'mono' as const),
    mask_mode: fc.constantFrom('silence' as const, 'tone' as const, 'drop' as const),
    mask_lookback_ms: fc.constantFrom(0, 0, 2000),
  }),
  masks: fc
    .uniqueArray(fc.integer({ min: 0, max: 140 }), { maxLength: 5 })
    .map((edges) => edges.sort((one, other) => one - other))
    .map((edges) =>
      edges.flatMap((from, n) =>
        n % 2 === 0 ? [{ from, ...(edges[n + 1] === undefined ? {} : { to: edges[n + 1]! }) }] : [],
      ),
    ),
});

describe('a recording that is followed', () => {
  test('comes out as one that is finalized when its call is over, to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: 1, max: 1e6 }), fc.boolean(), async (call, seed, sealed) => {
        await compare(call, seed, sealed);
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  test('whose recorder died comes out as what a recovery makes of its journal', async () => {
    await fc.assert(
      fc.asyncProperty(
        calls,
        fc.integer({ min: 1, max: 1e6 }),
        fc.boolean(),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        async (call, seed, sealed, cut) => {
          await compare(call, seed, sealed, cut);
        },
      ),
      { numRuns: RUNS },
    );
  }, 600_000);
});
