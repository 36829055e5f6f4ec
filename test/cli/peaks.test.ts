import { expect, test } from 'vitest';
import { peaksOf } from '../../src/cli/peaks.ts';

async function* chunked(pcm: Int16Array, size: number): AsyncGenerator<Int16Array> {
  for (let at = 0; at < pcm.length; at += size) yield pcm.subarray(at, at + size);
}

const STEREO = Int16Array.of(16384, -1, -32768, 0, 8192, 0, 0, 0, 0, 4096, 0, -8192);

test.each([1, 3, 4, 12])('the loudest sample of each part and channel, in chunks of %i', async (size) => {
  const peaks = await peaksOf(chunked(STEREO, size), { channels: 2, totalSamples: 6, parts: 3 });
  expect(peaks.map((row) => [...row])).toEqual([
    [1, 0.25, 0],
    [1 / 32768, 0, 0.25],
  ]);
});

test('parts that do not divide the recording evenly miss no sample', async () => {
  for (let parts = 1; parts <= 12; parts++) {
    for (let at = 0; at < 7; at++) {
      const pcm = new Int16Array(7);
      pcm[at] = -32768;
      const [row] = await peaksOf(chunked(pcm, 2), { channels: 1, totalSamples: 7, parts });
      expect([...row!].filter((peak) => peak === 1)).toHaveLength(1);
      expect(row!.indexOf(1)).toBe(Math.floor((at * parts) / 7));
    }
  }
});

test('more samples than announced go to the last part, fewer leave it at zero', async () => {
  const loud = new Int16Array(10).fill(16384);
  const of = async (totalSamples: number): Promise<number[]> => {
    const [row] = await peaksOf(chunked(loud, 3), { channels: 1, totalSamples, parts: 4 });
    return [...row!];
  };
  expect(await of(5)).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(await of(0)).toEqual([0, 0, 0, 0.5]);
  expect(await of(20)).toEqual([0.5, 0.5, 0, 0]);
});
