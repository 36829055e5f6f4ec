/** What following a clock does to the sound: nothing that can be heard, and each leg where it was said. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { type LongLeg, recordLongCall } from '../support/long-call.ts';
import { hear } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';

const HZ = 300;
const AMPLITUDE = 12_000;
const sine = (seconds: number): number => Math.round(AMPLITUDE * Math.sin(2 * Math.PI * HZ * seconds));

/** Linear, so that every sample counts. */
const l16 = (rate: number): LongLeg['changes'] => [
  { atSeconds: -1, codec: { name: 'L16', clockRate: rate, channels: 1 } },
];

/** How far a sine deviates from itself: of a pure one, x[n+1] + x[n−1] = 2 cos(ω) · x[n]. */
const roughness = (pcm: Int16Array, rate: number): number => {
  const twice = 2 * Math.cos((2 * Math.PI * HZ) / rate);
  let worst = 0;
  for (let n = rate; n < pcm.length - rate; n++)
    worst = Math.max(worst, Math.abs(pcm[n + 1]! + pcm[n - 1]! - twice * pcm[n]!));
  return worst;
};

/** By how many ms the sine is late, going by its phase near `seconds`; a period is 3.3 ms. */
const lateMs = (pcm: Int16Array, rate: number, seconds: number): number => {
  let [sin, cos] = [0, 0];
  for (let n = Math.round(seconds * rate); n < (seconds + 0.1) * rate; n++) {
    sin += pcm[n]! * Math.sin((2 * Math.PI * HZ * n) / rate);
    cos += pcm[n]! * Math.cos((2 * Math.PI * HZ * n) / rate);
  }
  return (-Math.atan2(cos, sin) / (2 * Math.PI * HZ)) * 1000;
};

test('a clock that drifts and turns is followed without a click, from a copy on, and within a few ms', async () => {
  const folder = scratchDir();
  const seconds = 600;
  const says = sine;
  const journalPath = await recordLongCall(folder, {
    seed: 4,
    seconds,
    legs: {
      a: { says, jitterMs: 4, changes: l16(8000)!, ppm: (s) => (s < 200 ? 0 : s < 400 ? 150 : -150) },
      b: { says, jitterMs: 4, changes: l16(8000)!, ppm: () => 20 },
    },
  });
  const directory = join(folder, 'out');
  mkdirSync(directory);
  const result = await finalizeRecording({ journalPath, directory, mediaName: 'x.wav', encoder: 'lamejs' });
  const { channels, sampleRate } = await hear({ result, recorder: undefined as never });
  const [a, b] = channels as [Int16Array, Int16Array];
  expect(sampleRate).toBe(8000);
  // Rounding of three samples; a step of a tenth of a sample would be a hundred.
  for (const pcm of [a, b]) expect(roughness(pcm, sampleRate)).toBeLessThan(6);
  const apart: number[] = [];
  // Unwrapped from where both legs began together.
  let before = 0;
  for (let at = 2; at < seconds - 5; at += 1) {
    const difference = lateMs(a, sampleRate, at) - lateMs(b, sampleRate, at);
    const period = 1000 / HZ;
    const unwrapped = difference + period * Math.round((before - difference) / period);
    before = unwrapped;
    apart.push(Math.abs(unwrapped));
  }
  expect(Math.max(...apart)).toBeLessThan(15);
  expect(apart.at(-1)!).toBeLessThan(8);
}, 60_000);
