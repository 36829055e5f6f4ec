import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PortPool } from '../../../src/ingest/rtp/port-pool.ts';

describe('a port pool', () => {
  for (const { name, first, last, expected } of [
    { name: 'an even range', first: 30000, last: 30005, expected: [30000, 30002, 30004] },
    { name: 'an odd beginning is left over', first: 30001, last: 30005, expected: [30002, 30004] },
    { name: 'an even end has no RTCP port', first: 30000, last: 30004, expected: [30000, 30002] },
    { name: 'the very last ports', first: 65534, last: 65535, expected: [65534] },
  ]) {
    test(`hands out pairs in order: ${name}`, () => {
      const pool = new PortPool({ first, last }, { quietMs: 1000 });
      expect(pool.free).toBe(expected.length);
      expect(expected.map(() => pool.take(0))).toEqual(expected);
      expect(pool.free).toBe(0);
      expect(() => pool.take(0)).toThrow(expect.objectContaining({ code: 'PORTS_USED_UP', retryable: true }));
    });
  }

  for (const [first, last] of [
    [30000, 30000],
    [30001, 30002],
    [30002, 30000],
    [0, 1],
    [65534, 65536],
    [1.5, 9],
    [Number.NaN, 9],
  ] as const) {
    test(`refuses ${first}-${last}`, () => {
      expect(() => new PortPool({ first, last }, { quietMs: 0 })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    });
  }

  test('lets a pair rest before it is taken again, and says how long that is', () => {
    const pool = new PortPool({ first: 30000, last: 30003 }, { quietMs: 10_000 });
    const [one, two] = [pool.take(0), pool.take(0)];
    pool.give(two, 5000);
    pool.give(one, 6000);
    expect(pool.free).toBe(2);
    expect(() => pool.take(14_999)).toThrow(/the next for 1 s/);
    expect(pool.take(15_000)).toBe(two);
    expect(() => pool.take(15_000)).toThrow(/1 are in use/);
    expect(pool.take(16_000)).toBe(one);
  });

  test('a pair given twice, or never taken, is not there twice', () => {
    const pool = new PortPool({ first: 30000, last: 30003 }, { quietMs: 0 });
    const port = pool.take(0);
    for (const given of [port, port, 30002, 12345]) pool.give(given, 1);
    expect(pool.free).toBe(2);
    expect([pool.take(1), pool.take(1)].sort()).toEqual([30000, 30002]);
  });

  test('whatever is taken and given, no pair is in use twice or before it has rested, and the one that rested longest comes first', () => {
    const step = fc.record({ wait: fc.nat(400), give: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.nat(1000),
        fc.array(step, { maxLength: 200 }),
        (pairs, quietMs, steps) => {
          const pool = new PortPool({ first: 40000, last: 40000 + 2 * pairs - 1 }, { quietMs });
          const taken: number[] = [];
          const givenAt = new Map<number, number>();
          let nowMs = 1e9;
          for (const { wait, give, which } of steps) {
            nowMs += wait;
            if (give && taken.length > 0) {
              const [port] = taken.splice(which % taken.length, 1);
              pool.give(port!, nowMs);
              givenAt.set(port!, nowMs);
            } else if (!give) {
              const resting = [...givenAt].filter(([port]) => !taken.includes(port));
              const untouched = pairs - taken.length - resting.length;
              const eligible = untouched > 0 || resting.some(([, at]) => nowMs - at >= quietMs);
              if (!eligible) {
                expect(() => pool.take(nowMs)).toThrow(expect.objectContaining({ code: 'PORTS_USED_UP' }));
                continue;
              }
              const port = pool.take(nowMs);
              expect(port % 2).toBe(0);
              expect(port).toBeGreaterThanOrEqual(40000);
              expect(port).toBeLessThan(40000 + 2 * pairs);
              expect(taken).not.toContain(port);
              // Untouched ones have rested for ever.
              const oldest = untouched > 0 ? undefined : Math.min(...resting.map(([, at]) => at));
              expect(givenAt.get(port)).toBe(oldest);
              taken.push(port);
              givenAt.delete(port);
            }
            expect(pool.free).toBe(pairs - taken.length);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
