/**
 * The promise for streams without timestamps, over random schedules of speech, silence, stalls of the path and masks: nothing that was
 * captured under a mask is in the journal, however late it came; what was said far from a mask is, and lies where it was said.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { surveyJournal } from '../../src/finalize/survey.ts';
import { readJournal } from '../../src/spool/journal-reader.ts';
import { Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';
import { seeded } from '../support/tones.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 150);
const START_US = Date.UTC(2026, 2, 1) * 1000;
const at = (ms: number): number => START_US + Math.round(ms * 1000);
const CODEC = { name: 'L16', clockRate: 8000, channels: 1 };
const FRAME_MS = 20;

const schedules = fc.record({
  seed: fc.nat(),
  /** Speech and silence by turns, ms. */
  talk: fc.array(fc.tuple(fc.integer({ min: 20, max: 4000 }), fc.integer({ min: 60, max: 4000 })), {
    minLength: 1,
    maxLength: 6,
  }),
  /** When the path stands still, for how long, and how fast it brings what waited (times real time). */
  stalls: fc.array(
    fc.tuple(fc.nat({ max: 12_000 }), fc.integer({ min: 50, max: 5000 }), fc.constantFrom(1.3, 2, 5, 100, 1e6)),
    { maxLength: 2 },
  ),
  masks: fc.array(fc.tuple(fc.integer({ min: 200, max: 12_000 }), fc.integer({ min: 100, max: 4000 })), {
    maxLength: 3,
  }),
  jitterMs: fc.constantFrom(0, 0, 5, 15),
});

/** A few frames of a queue that drained while their speaker paused. */
const SHORT_BACKLOG = {
  seed: 0,
  talk: [
    [20, 60],
    [20, 60],
    [20, 60],
    [441, 60],
  ] as [number, number][],
  stalls: [[0, 292, 1.3]] as [number, number, number][],
  masks: [[200, 100]] as [number, number][],
  jitterMs: 0,
};

/** What waited catches up with a line that is not certain just as speech would have. */
const BACKLOG_LIKE_SPEECH = {
  seed: 23,
  talk: [
    [3139, 2553],
    [855, 1313],
    [1749, 1220],
    [1645, 2641],
    [3254, 2197],
    [581, 3980],
  ] as [number, number][],
  stalls: [
    [6590, 4673, 100],
    [4750, 4991, 5],
  ] as [number, number, number][],
  masks: [
    [732, 3453],
    [8511, 1646],
    [10_553, 113],
  ] as [number, number][],
  jitterMs: 5,
};

type Frame = {
  readonly fromMs: number;
  readonly toMs: number;
  arrivalMs: number;
  readonly bytes: Buffer;
  readonly intoRunMs: number;
};

test(`in ${RUNS} random schedules`, async () => {
  const root = scratchDir();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(schedules, async ({ seed, talk, stalls, masks, jitterMs }) => {
      const random = seeded(seed);
      const frames: Frame[] = [];
      let nowMs = 100;
      for (const [talkMs, silentMs] of talk) {
        const fromMs = nowMs;
        for (; nowMs < fromMs + talkMs; nowMs += FRAME_MS) {
          const bytes = Buffer.from(Uint8Array.from({ length: 320 }, () => Math.floor(random() * 256)));
          const jitter = random() < 0.5 ? 0 : random() * jitterMs;
          const toMs = nowMs + FRAME_MS;
          frames.push({ fromMs: nowMs, toMs, arrivalMs: toMs + jitter, bytes, intoRunMs: nowMs - fromMs });
        }
        nowMs += silentMs;
      }
      for (const [fromMs, forMs, speed] of stalls) {
        let freeMs = fromMs + forMs;
        for (const frame of frames) {
          if (frame.arrivalMs < fromMs || frame.arrivalMs >= freeMs) continue;
          frame.arrivalMs = freeMs;
          freeMs += FRAME_MS / speed;
        }
      }
      // TCP keeps the order.
      frames.forEach((frame, index) => {
        frame.arrivalMs = Math.max(frame.arrivalMs, frames[index - 1]?.arrivalMs ?? 0);
      });
      let endMs = 0;
      const spans = [...masks]
        .sort(([one], [other]) => one - other)
        .filter(([fromMs, forMs]) => {
          if (fromMs <= endMs) return false;
          endMs = fromMs + forMs;
          return true;
        })
        .map(([fromMs, forMs]) => ({ fromMs, toMs: fromMs + forMs }));

      const folder = join(root, String(run++));
      mkdirSync(folder);
      const pipeline = new Pipeline(folder);
      const { call } = pipeline;
      call.recordFromFirstFrame({ format: 'wav' }, 'test');
      const events = spans.flatMap(({ fromMs, toMs }) => [
        { atMs: fromMs, action: 'mask' as const },
        { atMs: toMs, action: 'unmask' as const },
      ]);
      const until = async (ms: number): Promise<void> => {
        for (let next = events[0]; next !== undefined && next.atMs <= ms; next = events[0]) {
          events.shift();
          call.advance(at(next.atMs));
          await pipeline.command(next.action);
        }
      };
      for (const [index, { arrivalMs, bytes }] of frames.entries()) {
        await until(arrivalMs);
        pipeline.packet({
          leg: 'a',
          ssrc: 1,
          sequence: index & 0xffff,
          timestamp: index * 160,
          arrivalUs: at(arrivalMs),
          codec: CODEC,
          bytes: Buffer.from(bytes),
          untimed: { sinceUs: at(0), behind: 0 },
        });
      }
      await until(60_000);
      call.advance(at(61_000));
      await call.end();
      const path = pipeline.closed[0]?.path;
      if (path === undefined) return;
      const kept = new Set<string>();
      for (const record of readJournal(path))
        if (record.kind === 'frame') kept.add(Buffer.from(record.frame.payload).toString('latin1'));
      const overlaps = (fromMs: number, toMs: number): boolean =>
        spans.some((mask) => fromMs < mask.toMs && toMs > mask.fromMs);
      for (const [index, { fromMs, toMs, arrivalMs, bytes, intoRunMs }] of frames.entries()) {
        const isKept = kept.has(bytes.toString('latin1'));
        if (overlaps(fromMs, toMs))
          expect(isKept, `${fromMs}–${toMs} ms was masked and came at ${arrivalMs}`).toBe(false);
        // Where nothing waited, what lies clear of masks is there; of the beginning of speech nobody can tell at once whether it waited.
        const isClear = spans.every(
          (mask) => toMs < mask.fromMs - 60 || (fromMs > mask.toMs + 60 && intoRunMs >= 1200),
        );
        if (stalls.length === 0 && isClear)
          expect(isKept, `${fromMs}–${toMs} ms is missing (frame ${index})`).toBe(true);
      }
      if (stalls.length === 0 && spans.length === 0) {
        const survey = surveyJournal({ path });
        const saidMs = frames.at(-1)!.toMs - frames[0]!.fromMs;
        expect(Math.abs((survey.endUs - survey.startUs) / 1000 - saidMs)).toBeLessThan(40);
      }
      rmSync(folder, { recursive: true });
    }),
    { numRuns: RUNS, examples: [[BACKLOG_LIKE_SPEECH], [SHORT_BACKLOG]] },
  );
}, 600_000);
