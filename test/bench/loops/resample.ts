/** The resampler on one leg of speech, in frames of 20 ms. Samples are taken to be at `fromHz`, whatever they were made at. */
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { leftOf, readPcm } from './pcm.ts';
import { repeated } from './stopwatch.ts';

export const loop: Loop = async ({ call, options, leastSeconds }) => {
  const { Resampler } = await built('kernel/resampler');
  const { fromHz = 8000, toHz = 8000 } = options;
  const speech = leftOf(await readPcm(call)).subarray(0, 60 * fromHz);
  const frame = fromHz / 50;
  const out = new Int16Array(960);
  const converted = await repeated(leastSeconds, () => {
    const resampler = new Resampler(fromHz / toHz);
    let samples = 0;
    for (let at = 0; at + frame <= speech.length; at += frame) {
      resampler.push(speech.subarray(at, at + frame));
      for (let made = resampler.pull(out); made > 0; made = resampler.pull(out)) samples += made;
    }
    return samples / toHz;
  });
  return { resample: converted };
};
