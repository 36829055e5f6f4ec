import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SequenceTracker } from '../../src/media/sequence.ts';

const run = (numbers: number[]) => {
  const tracker = new SequenceTracker();
  return { verdicts: numbers.map((n) => tracker.push(n, n * 160)), tracker };
};

describe('a sequence tracker', () => {
  for (const c of [
    { name: 'numbers in order', in: [7, 8, 9], out: ['next', 'next', 'next'], lost: 0 },
    { name: 'the first number is zero', in: [0, 1], out: ['next', 'next'], lost: 0 },
    { name: 'the wrap', in: [65534, 65535, 0, 1], out: ['next', 'next', 'next', 'next'], lost: 0 },
    { name: 'a late packet across the wrap', in: [65534, 0, 65535], out: ['next', 'next', 'late'], lost: 0 },
    { name: 'a hole', in: [1, 2, 5], out: ['next', 'next', 'next'], lost: 2 },
    { name: 'a duplicate', in: [1, 2, 2], out: ['next', 'next', 'duplicate'], lost: 0 },
    { name: 'a duplicate of a late packet', in: [1, 3, 2, 2], out: ['next', 'next', 'late', 'duplicate'], lost: 0 },
    { name: 'a packet from before the first', in: [10, 9, 11], out: ['next', 'late', 'next'], lost: 0 },
    { name: 'one from before zero', in: [0, 65535], out: ['next', 'late'], lost: 0 },
    {
      name: 'a restart far ahead keeps the losses before it',
      in: [1, 3, 40000, 40001],
      out: ['next', 'next', 'stray', 'restart'],
      lost: 1,
    },
    {
      name: 'a restart far behind',
      in: [40000, 40001, 5, 6, 7],
      out: ['next', 'next', 'stray', 'restart', 'next'],
      lost: 0,
    },
    {
      name: 'one wild number that is no restart',
      in: [10, 11, 40000, 12],
      out: ['next', 'next', 'stray', 'next'],
      lost: 0,
    },
    {
      name: 'a straggler of the run before a restart',
      in: [40000, 5, 6, 40001, 7],
      out: ['next', 'stray', 'restart', 'stray', 'next'],
      lost: 0,
    },
  ]) {
    test(`tells ${c.name}`, () => {
      const { verdicts, tracker } = run(c.in);
      expect(verdicts).toEqual(c.out);
      expect(tracker.lost).toBe(c.lost);
    });
  }

  test('tells a restart within the window from duplicates by their timestamps', () => {
    const tracker = new SequenceTracker();
    for (let n = 0; n < 400; n++) tracker.push(n, 1_000_000 + n * 160);
    expect([0, 1, 2].map((n) => tracker.push(n, n * 160))).toEqual(['stray', 'restart', 'next']);
    expect(tracker.duplicate).toBe(0);
    expect(tracker.lost).toBe(0);
  });

  test('extends numbers over many wraps', () => {
    const tracker = new SequenceTracker();
    for (let i = 0; i < 200_000; i++) tracker.push(i & 0xffff, i);
    expect(tracker.extended - 0x1_0000).toBe(199_999);
    expect(tracker.received).toBe(200_000);
  });

  test('counts every unique packet once, whatever the order within the window', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65535 }),
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 400 }),
        (base, offsets) => {
          const { tracker } = run(offsets.map((o) => (base + 400 + o) & 0xffff));
          const unique = new Set(offsets).size;
          expect(tracker.received).toBe(unique);
          expect(tracker.received + tracker.duplicate).toBe(offsets.length);
          expect(tracker.lost).toBe(Math.max(...offsets) - Math.min(...offsets) + 1 - unique);
        },
      ),
    );
  });
});
