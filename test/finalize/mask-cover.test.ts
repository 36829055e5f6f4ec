/** Spans that grow while they are rendered: a change of what has been rendered is found, whichever mask brings it, and no other is taken for one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Contradiction } from '../../src/finalize/contradiction.ts';
import { MaskCover } from '../../src/finalize/mask-cover.ts';
import type { MaskRecord } from '../../src/spool/journal-record.ts';

const START_US = 1.7e15;
const RATE = 8000;
/** A slope before a span is rendered too. */
const SEAM = 40;

const maskOf = (id: number, startMs: number, endMs: number | null): MaskRecord => ({
  id,
  startUs: START_US + startMs * 1000,
  endUs: endMs === null ? null : START_US + endMs * 1000,
  trigger: { kind: 'api' },
  askedAtUs: START_US,
  effectiveAtUs: START_US,
});

const masks = fc
  .record({
    id: fc.integer({ min: 0, max: 3 }),
    startMs: fc.integer({ min: -50, max: 400 }),
    lengthMs: fc.option(fc.integer({ min: 0, max: 200 })),
  })
  .map(({ id, startMs, lengthMs }) => maskOf(id, startMs, lengthMs === null ? null : startMs + lengthMs));

/** What of the spans can be heard in the first `rendered` samples. */
const heard = ({ joined }: MaskCover, rendered: number): unknown =>
  joined
    .filter(({ start }) => start < rendered + SEAM)
    .map(({ start, end }) => ({ start, end: Math.min(end, rendered) }));

test('what is noted one by one is what is known at once, and contradicts what was rendered where that changes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ mask: masks, rendered: fc.integer({ min: 0, max: 120 }) }), { maxLength: 8 }),
      (noted) => {
        const cover = new MaskCover([], START_US, RATE);
        const known = new Map<number, MaskRecord>();
        let rendered = 0;
        for (const { mask, rendered: more } of noted) {
          rendered += more;
          const before = new MaskCover([...known.values()], START_US, RATE);
          known.set(mask.id, mask);
          const after = new MaskCover([...known.values()], START_US, RATE);
          const isSame = JSON.stringify(heard(before, rendered)) === JSON.stringify(heard(after, rendered));
          if (rendered > 0 && !isSame) {
            expect(() => cover.note(mask, rendered)).toThrow(Contradiction);
            return;
          }
          cover.note(mask, rendered);
          expect(cover.joined).toEqual(after.joined);
          expect(cover.spans).toEqual(after.spans);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('thousands of masks cost little more than a few', () => {
  const cover = new MaskCover([], START_US, RATE);
  const began = performance.now();
  for (let n = 0; n < 20_000; n++) cover.note(maskOf(n, n * 1000, n * 1000 + 500), Math.max(0, n - 30) * RATE);
  expect(cover.joined).toHaveLength(20_000);
  // Worked out anew for each: two minutes.
  expect(performance.now() - began).toBeLessThan(5000);
});
