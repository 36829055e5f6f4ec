import { expect, test } from 'vitest';
import { peakOf, rmsOf } from '../../src/kernel/level.ts';
import { amplitudeOf, tone } from '../support/tones.ts';

test.each([
  { name: 'nothing', pcm: [], peak: 0, rms: 0 },
  { name: 'silence', pcm: [0, 0], peak: 0, rms: 0 },
  { name: 'a constant', pcm: [-100, -100], peak: 100, rms: 100 },
  { name: 'the lowest sample', pcm: [-32768], peak: 32768, rms: 32768 },
  { name: 'the highest sample', pcm: [32767], peak: 32767, rms: 32767 },
  { name: 'one of four', pcm: [0, 8, 0, 0], peak: 8, rms: 4 },
])('$name has peak $peak and RMS $rms', ({ pcm, peak, rms }) => {
  expect(peakOf(Int16Array.from(pcm))).toBe(peak);
  expect(rmsOf(Int16Array.from(pcm))).toBe(rms);
});

test('the RMS of a sine is its amplitude over the root of two', () => {
  expect(rmsOf(tone(1000, 1000, 8000, -12)) / (amplitudeOf(-12) / Math.SQRT2)).toBeCloseTo(1, 4);
});
