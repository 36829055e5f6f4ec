import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fewerPeaks,
  MOST_POINTS,
  measurePeaks,
  type Peaks,
  peaksPath,
  writePeaks,
} from '../../../src/app/recordings/peaks.ts';
import { scratchDir } from '../../support/scratch.ts';
import { filesBelow } from './shelf-kit.ts';

/** 16-bit PCM as a WAV file. */
const wavFile = (folder: string, samples: readonly number[], channels: 1 | 2): string => {
  const data = Buffer.from(Int16Array.from(samples).buffer);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(16_000 * channels, 28);
  head.writeUInt16LE(2 * channels, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(data.length, 40);
  const path = join(folder, 'audio.wav');
  writeFileSync(path, Buffer.concat([head, data]));
  return path;
};

describe('the least and greatest sample of each part', () => {
  for (const { name, samples, channels, expected } of [
    {
      name: 'a point for each sample, where there are few',
      samples: [0, 16_384, -16_384, -32_768],
      channels: 1,
      expected: [{ min: [0, 0.5, -0.5, -1], max: [0, 0.5, -0.5, -1] }],
    },
    {
      name: 'channels apart',
      samples: [16_384, -8192, 0, 0],
      channels: 2,
      expected: [
        { min: [0.5, 0], max: [0.5, 0] },
        { min: [-0.25, 0], max: [-0.25, 0] },
      ],
    },
    { name: 'nothing of nothing', samples: [], channels: 1, expected: [{ min: [], max: [] }] },
  ] as const)
    test(name, async () => {
      const path = wavFile(scratchDir(), samples, channels);
      const peaks = await measurePeaks(path, samples.length / channels);
      expect(peaks.channels).toEqual(expected);
      expect(peaks.points).toBe(samples.length / channels);
    });

  test('a long one has as many points as anyone may ask for, whole to the last sample', async () => {
    const count = 3 * MOST_POINTS + 7;
    const samples = Array.from({ length: count }, (_, n) => (n % 1000) - 500);
    samples[count - 1] = 32_767;
    samples[12_345] = -32_768;
    const peaks = await measurePeaks(wavFile(scratchDir(), samples, 1), count);
    const [{ min, max }] = peaks.channels;
    expect([peaks.points, min.length, max.length]).toEqual([MOST_POINTS, MOST_POINTS, MOST_POINTS]);
    expect(max.at(-1)).toBe(1);
    expect(min.indexOf(-1)).toBe(Math.floor((12_345 * MOST_POINTS) / count));
    expect(peaks.duration_ms).toBe(Math.round(count / 8));
    // A part whose samples are all above or all below zero says so.
    expect(min.some((low) => low > 0) && max.some((high) => high < 0)).toBe(true);
  });

  test('a file that holds more or less than was said does not break it', async () => {
    const path = wavFile(scratchDir(), [1000, 2000, 3000, 4000], 1);
    expect((await measurePeaks(path, 2)).channels[0]!.max).toEqual([0.0305, 0.1221]);
    expect((await measurePeaks(path, 6)).channels[0]!.max).toEqual([0.0305, 0.061, 0.0916, 0.1221, 0, 0]);
  });
});

test('fewer points hold what the many held, and no more points are made up', () => {
  const row = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(row, fc.integer({ min: 1, max: 400 }), (max, wanted) => {
      const peaks: Peaks = {
        channels: [{ min: max.map((high) => high - 5), max }],
        points: max.length,
        duration_ms: 1,
      };
      const fewer = fewerPeaks(peaks, wanted);
      expect(fewer.points).toBe(Math.min(wanted, max.length));
      const [{ min: low, max: high }] = fewer.channels;
      expect([low.length, high.length]).toEqual([fewer.points, fewer.points]);
      expect(Math.max(...high)).toBe(Math.max(...max));
      expect(Math.min(...low)).toBe(Math.min(...max) - 5);
      for (const [n, each] of max.entries()) {
        const at = Math.floor((n * fewer.points) / max.length);
        expect(high[at]).toBeGreaterThanOrEqual(each);
      }
    }),
  );
});

test('they are written whole or not at all, over a part that was left behind', async () => {
  const folder = scratchDir();
  const artefact = join(folder, 'x.wav');
  writeFileSync(join(folder, '.x.x.wav.peaks.json'), 'torn');
  await writePeaks(artefact, 'x', { channels: [], points: 0, duration_ms: 0 });
  expect(filesBelow(folder)).toEqual(['x.wav.peaks.json']);
  rmSync(peaksPath(artefact));
});
