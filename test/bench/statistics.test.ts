import { describe, expect, test } from 'vitest';
import { against, median, medianOf, spread } from './statistics.ts';
import type { Measure } from './trial.ts';

const run = (seconds: number, cpuSeconds: number | null = null): Measure => ({
  work: 60,
  seconds,
  cpuSeconds,
  peakBytes: null,
});

describe('median', () => {
  for (const { values, middle } of [
    { values: [3], middle: 3 },
    { values: [10, 2, 9], middle: 9 },
    { values: [4, 1, 3, 2], middle: 2.5 },
  ]) {
    test(`of ${values.join(' ')} is ${middle}`, () => expect(median(values)).toBe(middle));
  }

  test('of nothing is an error, or null where nothing may be', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(medianOf([null, null])).toBeNull();
    expect(medianOf([null, 7])).toBe(7);
  });
});

test('the spread is from end to end, as a share of the median', () => expect(spread([8, 10, 13])).toBe(0.5));

describe('a driver against a yardstick', () => {
  test('is compared within each round, so that a round in which all are slow changes nothing', () => {
    const ours = [run(2, 1), run(20, 2), run(2, 4)];
    const theirs = [run(1, 4), run(10, 8), run(1, 16)];
    expect(against(ours, theirs)).toEqual({ speed: 0.5, cpu: 4 });
  });

  test('counts no round that one of them lacks', () => {
    expect(against([run(2), undefined, run(9)], [run(1), run(1)])).toEqual({ speed: 0.5, cpu: null });
    expect(against([run(2)], [])).toEqual({ speed: null, cpu: null });
  });
});
