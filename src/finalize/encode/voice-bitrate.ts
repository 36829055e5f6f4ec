/**
 * Constant bitrates that suit speech: about 20 dB over the coding noise, the whole band passed, two voices apart in
 * stereo.
 */

import { AppError } from '../../core/errors.ts';
import { MP3_RATES } from '../../core/record-call.ts';

/**
 * kbit/s for [mono, stereo]. Lower ones are traps: lamejs, unasked, resamples to a rate that it finds fitter for so few
 * bits (16 kHz stereo at 24 becomes 8 kHz), or cuts the band. MPEG-2.5 (8–12 kHz) ends at 64; encoders clamp what is
 * above without a word.
 */
const KBPS: ReadonlyMap<number, readonly [mono: number, stereo: number]> = new Map([
  [8000, [24, 48]],
  [11025, [32, 64]],
  [12000, [32, 64]],
  [16000, [40, 80]],
  [22050, [56, 96]],
  [24000, [56, 96]],
  [32000, [64, 112]],
  [44100, [80, 160]],
  [48000, [80, 160]],
]);

/** @throws AppError RATE_UNSUPPORTED for a rate that mp3 does not have. */
export const voiceBitrate = (sampleRate: number, channels: 1 | 2): number => {
  const kbps = KBPS.get(sampleRate)?.[channels - 1];
  if (kbps === undefined) {
    throw new AppError('RATE_UNSUPPORTED', `mp3 can't have ${sampleRate} Hz; it takes ${MP3_RATES.join(' ')}`);
  }
  return kbps;
};
