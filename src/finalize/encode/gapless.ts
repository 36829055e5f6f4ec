/**
 * How audio lies in the frames of an mp3 by LAME, lamejs or libmp3lame, so that decoders return exactly what went in.
 * Pure; samples per channel.
 *
 *     | LEAD_IN | ENCODER_DELAY |          audio           | silence after | the encoder's own filling |
 *     |<------- delay -------->|                           |<---------------- padding --------------->|
 *     |<- the decoder skips delay and DECODER_DELAY more, as its output is late by as much itself ->|
 */
import { AppError } from '../../core/errors.ts';

/** What a Layer III decoder adds before the first sample: 528 of the filter bank and one of the overlap. */
export const DECODER_DELAY = 529;

/** What the encoders put before the first sample. */
export const ENCODER_DELAY = 576;

/**
 * Silence that is encoded before the audio, so that decoders skip 47 + 576 + 529 = 1152 samples: whole frames in all
 * versions of MPEG. ffmpeg forgets what is left to skip inside a frame when the audio ends in that frame too, as it
 * does in very short files.
 */
export const LEAD_IN = 1152 - ENCODER_DELAY - DECODER_DELAY;

/** The tag has twelve bits each for delay and padding. */
export const LONGEST_TRIM = 4095;

/** With the tag's that makes seven: with fewer ffmpeg may take an mp3 for something else. */
const LEAST_FRAMES = 6;

/**
 * Silence to encode after `samples` of audio, so that even a short file has LEAST_FRAMES, or as many as the padding can
 * say (at 32 kHz and above four or five where the audio is shorter than 70 ms).
 */
export const silenceAfter = (samples: number, frameSamples: number): number => {
  const frames = Math.min(LEAST_FRAMES, Math.floor((LONGEST_TRIM + LEAD_IN + ENCODER_DELAY + samples) / frameSamples));
  // Encoders end a file 576 samples, or up to a frame more, after what they were given.
  return Math.max(0, frames * frameSamples - LEAD_IN - 2 * ENCODER_DELAY - samples);
};

/**
 * What follows `samples` of audio in `frames` frames.
 * @throws AppError ENCODE_FAILED when the last samples would never come out of a decoder
 */
export const paddingAfter = (samples: number, frames: number, frameSamples: number): number => {
  const padding = frames * frameSamples - LEAD_IN - ENCODER_DELAY - samples;
  if (padding < DECODER_DELAY)
    throw new AppError('ENCODE_FAILED', `${frames} frames are too few for ${samples} samples`);
  return padding;
};
