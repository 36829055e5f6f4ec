/** One of the finalizer's encoders on PCM from memory, in the blocks that the finalizer gives it, to a finished file. Once, cold. */
import { join } from 'node:path';
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { CHANNELS, RATE, readPcm } from './pcm.ts';
import { Stopwatch } from './stopwatch.ts';

const BLOCK_FRAMES = RATE / 2;

export const loop: Loop = async ({ call, options, folder }) => {
  const { makeEncoder } = await built('finalize/encoder-choice');
  const pcm = await readPcm(call);
  const { encoder: asked = 'lamejs' } = options;
  const [choice, format] = asked === 'wav' ? (['lamejs', 'wav'] as const) : ([asked, 'mp3'] as const);
  const watch = new Stopwatch();
  watch.start();
  const encoder = await makeEncoder(choice, {
    format,
    sampleRate: RATE,
    channels: CHANNELS,
    path: join(folder, `bench.${format}`),
  });
  for (let at = 0; at < pcm.length; at += BLOCK_FRAMES * CHANNELS) {
    const block = pcm.subarray(at, at + BLOCK_FRAMES * CHANNELS);
    await encoder.write(block, block.length / CHANNELS);
  }
  const { samples } = await encoder.finish();
  watch.stop();
  return { encode: watch.sample(samples / RATE) };
};
