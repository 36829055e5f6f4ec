import { describe, expect, test } from 'vitest';
import {
  channelsOf,
  FLOOR_DBFS,
  joined,
  lagOf,
  levelOf,
  mixInto,
  noise,
  peak,
  rms,
  rmsDbfs,
  seeded,
  silence,
  sweep,
  tone,
} from './tones.ts';

describe.each([8000, 16_000, 44_100])('at %i Hz', (rate) => {
  test('a tone is heard at its level and its frequency only', () => {
    const pcm = tone(1000, 500, rate, -12);
    expect(levelOf(pcm, rate, 1000, 0, 500)).toBeCloseTo(-12, 1);
    for (const hz of [500, 900, 1100, 2000, 3000]) expect(levelOf(pcm, rate, hz, 0, 500)).toBeLessThan(-70);
  });

  test('40 ms are enough to tell two tones apart', () => {
    const pcm = tone(1000, 40, rate, -6);
    expect(levelOf(pcm, rate, 1000, 0, 40)).toBeCloseTo(-6, 0);
    expect(levelOf(pcm, rate, 1300, 0, 40)).toBeLessThan(-55);
  });

  test('a tone is heard only in its span', () => {
    const pcm = joined(silence(100, rate), tone(700, 200, rate), silence(100, rate));
    expect(levelOf(pcm, rate, 700, 0, 100)).toBe(FLOOR_DBFS);
    expect(levelOf(pcm, rate, 700, 100, 300)).toBeCloseTo(-12, 1);
    expect(levelOf(pcm, rate, 700, 300, 400)).toBe(FLOOR_DBFS);
  });

  test('noise and a sine of one level have one RMS', () => {
    expect(rmsDbfs(noise(1000, rate, -24), rate, 0, 1000)).toBeCloseTo(-24, 0);
    expect(rmsDbfs(tone(1000, 1000, rate, -24), rate, 0, 1000)).toBeCloseTo(-24, 1);
  });
});

test('a sweep passes each frequency at its time', () => {
  const pcm = sweep(300, 3300, 3000, 8000, -12);
  expect(levelOf(pcm, 8000, 1300, 980, 1020)).toBeCloseTo(-12, 0);
  expect(levelOf(pcm, 8000, 1300, 1980, 2020)).toBeLessThan(-50);
});

test('a sound past the end of silence is nothing, not an error', () => {
  expect(levelOf(silence(100, 8000), 8000, 440, 200, 300)).toBe(FLOOR_DBFS);
  expect(rmsDbfs(silence(100, 8000), 8000, 200, 300)).toBe(FLOOR_DBFS);
});

test('noise is the same for one seed and another for another', () => {
  expect(noise(100, 8000, -20, 7)).toEqual(noise(100, 8000, -20, 7));
  expect(noise(100, 8000, -20, 7)).not.toEqual(noise(100, 8000, -20, 8));
  const random = seeded(3);
  const drawn = Array.from({ length: 1000 }, random);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...drawn)).toBeLessThan(1);
});

test('rms and peak are in sample units', () => {
  expect(rms(Int16Array.of(3, -3, 3, -3))).toBe(3);
  expect(peak(Int16Array.of(3, -32768, 5))).toBe(32768);
  expect(rms(new Int16Array(0))).toBe(0);
});

test('mixing adds, clips, and stops at the end', () => {
  const onto = Int16Array.of(0, 32_000, 1, 1);
  mixInto(onto, Int16Array.of(9, 9000, -5, 1, 1), 0, 8000);
  expect([...onto]).toEqual([9, 32_767, -4, 2]);
  const late = Int16Array.of(0, 0);
  mixInto(late, Int16Array.of(1, 1), 1, 1000);
  expect([...late]).toEqual([0, 1]);
});

test('interleaved samples come apart', () => {
  expect(channelsOf(Int16Array.of(1, 2, 3, 4, 5, 6), 2).map((one) => [...one])).toEqual([
    [1, 3, 5],
    [2, 4, 6],
  ]);
});

test.each([-37, 0, 1, 120])('a lag of %i samples is found', (lag) => {
  const sound = noise(200, 8000, -20, 11);
  const reference = sound.subarray(200, 1200);
  const other = sound.subarray(200 - lag, 1200 - lag);
  const found = lagOf(reference, other, 150);
  expect(found.lag).toBe(lag);
  expect(found.likeness).toBeCloseTo(1, 6);
});

test('unrelated noise is not alike', () => {
  expect(lagOf(noise(200, 8000, -20, 1), noise(200, 8000, -20, 2), 100).likeness).toBeLessThan(0.3);
});
