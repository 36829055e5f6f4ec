/** A leg's buffer against sums kept one by one: whatever overlaps, follows or leaves a hole, and however it is taken. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LegBuffer } from '../../src/finalize/leg-buffer.ts';
import { seeded } from '../support/tones.ts';

type Step =
  /** Added so far behind what has been taken; negative: some of it comes too late. */
  | { readonly kind: 'add'; readonly ahead: number; readonly count: number }
  /** Added where the last ended, as a run's frames are. */
  | { readonly kind: 'follow'; readonly count: number }
  | { readonly kind: 'take'; readonly count: number };

const COUNTS = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 30_000 }));
const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      ahead: fc.oneof(fc.integer({ min: -500, max: 2000 }), fc.integer({ min: 0, max: 60_000 })),
      count: COUNTS,
    }),
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('follow' as const), count: COUNTS }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), count: COUNTS }) },
  ),
  { maxLength: 60 },
);

/** Loud, so that sums leave 16 bits. */
const loud = (seed: number, count: number): Int16Array => {
  const random = seeded(seed);
  return Int16Array.from({ length: count }, () => Math.floor(random() * 65_536) - 32_768);
};

const saturated = (sum: number): number => Math.max(-32_768, Math.min(32_767, sum));

test('gives each place the sum of what was added there in time, held within 16 bits, and silence where nothing was', () => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      const buffer = new LegBuffer();
      const sums = new Map<number, number>();
      let taken = 0;
      let end = 0;
      for (const [n, step] of steps.entries()) {
        if (step.kind === 'take') {
          const out = new Int16Array(step.count + 5).fill(7);
          buffer.take(out, step.count);
          const expected = Int16Array.from({ length: step.count }, (_, i) => saturated(sums.get(taken + i) ?? 0));
          expect(Buffer.compare(Buffer.from(out.buffer, 0, 2 * step.count), Buffer.from(expected.buffer))).toBe(0);
          expect([...out.subarray(step.count)]).toEqual([7, 7, 7, 7, 7]);
          taken += step.count;
          continue;
        }
        const position = step.kind === 'follow' ? end : taken + step.ahead;
        const from = n % 4;
        const pcm = loud(n + 1, from + step.count);
        buffer.add(position, pcm, from, step.count);
        for (let i = 0; i < step.count; i++) {
          const at = position + i;
          if (at >= taken) sums.set(at, (sums.get(at) ?? 0) + pcm[from + i]!);
        }
        end = position + step.count;
      }
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) },
  );
});
