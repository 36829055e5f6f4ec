import { describe, expect, test } from 'vitest';
import { downmix, interleave, mixInto, scale } from '../../src/kernel/mix.ts';

test.each([
  { name: 'plain sums', onto: [1, -2, 0], add: [10, 20, -30], sum: [11, 18, -30] },
  { name: 'overflow holds at the top', onto: [32767, 30000], add: [1, 30000], sum: [32767, 32767] },
  { name: 'and at the bottom', onto: [-32768, -30000], add: [-1, -30000], sum: [-32768, -32768] },
  { name: 'the largest cancel to -1', onto: [32767], add: [-32768], sum: [-1] },
  { name: 'a shorter source leaves the rest', onto: [5, 6, 7], add: [1], sum: [6, 6, 7] },
  { name: 'a longer source is cut', onto: [5], add: [1, 2, 3], sum: [6] },
])('mixInto: $name', ({ onto, add, sum }) => {
  const dst = Int16Array.from(onto);
  mixInto(dst, Int16Array.from(add));
  expect([...dst]).toEqual(sum);
});

describe('interleave', () => {
  test('puts left before right', () => {
    const dst = new Int16Array(6);
    interleave(Int16Array.of(1, 2, 3), Int16Array.of(-1, -2, -3), dst);
    expect([...dst]).toEqual([1, -1, 2, -2, 3, -3]);
  });

  test('writes whole pairs only, as many as all three buffers have', () => {
    const dst = new Int16Array(7).fill(9);
    interleave(Int16Array.of(1, 2, 3), Int16Array.of(-1, -2), dst);
    expect([...dst]).toEqual([1, -1, 2, -2, 9, 9, 9]);
    const short = new Int16Array(3).fill(9);
    interleave(Int16Array.of(1, 2), Int16Array.of(-1, -2), short);
    expect([...short]).toEqual([1, -1, 9]);
  });
});

test.each([
  { name: 'the first of two channels', src: [1, -2, 3, -4], step: 2, out: [0.5, 1.5] },
  { name: 'a whole one where the last group is cut', src: [1, -2, 3], step: 2, out: [0.5, 1.5] },
  { name: 'no more than there is room for', src: [1, 2, 3, 4], step: 1, out: [0.5, 1, 1.5] },
  { name: 'nothing of nothing', src: [], step: 2, out: [] },
])('scale: $name', ({ src, step, out }) => {
  const dst = new Float32Array(Math.min(3, out.length + 1)).fill(9);
  scale(Int16Array.from(src), step, 0.5, dst);
  expect([...dst]).toEqual([...out, 9].slice(0, dst.length));
});

test.each([
  { name: 'the mean of two', src: [10, 20, -10, -20], channels: 2, mono: [15, -15] },
  { name: 'alike channels stay', src: [32767, 32767, -32768, -32768], channels: 2, mono: [32767, -32768] },
  { name: 'opposite channels cancel', src: [500, -500], channels: 2, mono: [0] },
  { name: 'three channels', src: [3, 4, 5], channels: 3, mono: [4] },
  { name: 'one channel is a copy', src: [1, 2], channels: 1, mono: [1, 2] },
  { name: 'half a group at the end is left out', src: [1, 1, 7], channels: 2, mono: [1] },
])('downmix: $name', ({ src, channels, mono }) => {
  const dst = new Int16Array(4).fill(9);
  expect(downmix(Int16Array.from(src), channels, dst)).toBe(mono.length);
  expect([...dst]).toEqual([...mono, ...new Array(4 - mono.length).fill(9)]);
});
