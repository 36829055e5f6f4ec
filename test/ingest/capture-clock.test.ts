/** The clock of a call out of capture times that don't fit together. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CaptureClock } from '../../src/ingest/capture-clock.ts';

const S = 1e6;
const FRAME = 20_000;
const T0 = Date.UTC(2026, 0, 15) * 1000;

describe('the clock of a call', () => {
  test('is what the capture says, while that goes on', () => {
    const clock = new CaptureClock<string>();
    expect([0, 20, 40, 5000].map((ms) => clock.at('a', T0 + ms * 1000) - T0)).toEqual([0, 20_000, 40_000, 5 * S]);
    expect(clock.steps).toBe(0);
  });

  test('holds what is a little out of order', () => {
    const clock = new CaptureClock<string>();
    clock.at('a', T0 + 40_000);
    expect(clock.at('b', T0 + 39_000)).toBe(T0 + 40_000);
    expect(clock.steps).toBe(0);
  });

  test('goes on where it was when it is set back, for both legs alike', () => {
    const clock = new CaptureClock<string>();
    clock.at('a', T0);
    clock.at('b', T0 + 5000);
    const back = -30 * S;
    expect(clock.at('a', T0 + back + FRAME)).toBe(T0 + 5000);
    expect(clock.at('b', T0 + back + FRAME + 5000)).toBe(T0 + 5000 + 5000);
    expect(clock.at('a', T0 + back + 2 * FRAME)).toBe(T0 + 5000 + FRAME);
    expect(clock.steps).toBe(2);
  });

  test('a leg that begins to send later is where it is', () => {
    const clock = new CaptureClock<string>();
    clock.at('a', T0);
    expect(clock.at('b', T0 + 9 * S)).toBe(T0 + 9 * S);
    expect(clock.at('a', T0 + 9 * S + FRAME)).toBe(T0 + 9 * S + FRAME);
    expect(clock.steps).toBe(0);
  });

  for (const skewS of [6, -6, 37, -3600]) {
    test(`legs whose clocks are ${skewS} s apart go side by side, and the call is no longer for it`, () => {
      const clock = new CaptureClock<string>();
      const skew = skewS * S;
      const seconds = 40;
      for (let n = 0; n < seconds * 50; n++) {
        const at = clock.at('a', T0 + n * FRAME);
        const beside = clock.at('b', T0 + n * FRAME + 100 + skew);
        // Which of two is right can't be known before both have sent twice.
        if (n > 0) expect(beside - at).toBeLessThanOrEqual(FRAME);
      }
      const length = clock.at('a', T0 + seconds * S) - T0;
      expect(Math.abs(length - seconds * S - Math.max(0, skew))).toBeLessThan(2 * FRAME);
      expect(clock.steps).toBe(1);
    });
  }

  test('never goes back, whatever the capture says', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -1e9, max: 1e9 })), { maxLength: 200 }),
        (packets) => {
          const clock = new CaptureClock<string>();
          let last = Number.NEGATIVE_INFINITY;
          for (const [stream, us] of packets) {
            const at = clock.at(stream, T0 + us);
            expect(at).toBeGreaterThanOrEqual(last);
            last = at;
          }
        },
      ),
    ));
});
