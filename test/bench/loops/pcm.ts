/** The PCM of a call in memory, as encoders are given it. */
import { readFile } from 'node:fs/promises';
import type { CallFiles } from '../trial.ts';

export const RATE = 8000;
export const CHANNELS = 2;

/** Interleaved, left leg a. */
export const readPcm = async ({ name, pcm }: CallFiles): Promise<Int16Array> => {
  if (pcm === undefined) throw new Error(`the ${name} call has no PCM`);
  const bytes = await readFile(pcm.stereo);
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
};

/** One leg of it. */
export const leftOf = (pcm: Int16Array): Int16Array => {
  const left = new Int16Array(pcm.length / CHANNELS);
  for (let i = 0; i < left.length; i++) left[i] = pcm[CHANNELS * i];
  return left;
};
