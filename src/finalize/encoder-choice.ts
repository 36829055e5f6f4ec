/** Which encoder makes an artefact: wav here; mp3 by ffmpeg where it is and has libmp3lame (faster, better), else by lamejs. */
import { AppError } from '../core/errors.ts';
import type { Format } from '../core/record-call.ts';
import type { AudioEncoder, EncoderOptions } from './encode/audio-encoder.ts';
import { LameEncoder } from './encode/lame-encoder.ts';
import { WavEncoder } from './encode/wav-encoder.ts';
import { FfmpegEncoder } from './ffmpeg/ffmpeg-encoder.ts';
import { probeFfmpeg } from './ffmpeg/ffmpeg-program.ts';

/** `auto`: ffmpeg when it can, else lamejs. The others are a choice, and an error when it can't be had. */
export type EncoderChoice = 'auto' | 'lamejs' | 'ffmpeg';

export const ENCODER_CHOICES: readonly EncoderChoice[] = ['auto', 'lamejs', 'ffmpeg'];

/** @throws AppError OUTPUT_UNWRITABLE, RATE_UNSUPPORTED, FFMPEG_MISSING */
export const makeEncoder = async (
  choice: EncoderChoice,
  options: EncoderOptions & { format: Format },
): Promise<AudioEncoder> => {
  if (options.format === 'wav') return WavEncoder.create(options);
  if (choice === 'lamejs') return LameEncoder.create(options);
  const program = await probeFfmpeg().catch((error: unknown) => {
    if (choice === 'ffmpeg') throw error;
    return undefined;
  });
  if (program !== undefined && program.encoders.has('libmp3lame')) return FfmpegEncoder.create(options, program);
  if (choice === 'ffmpeg')
    throw new AppError(
      'FFMPEG_MISSING',
      'the ffmpeg on this machine has no libmp3lame; use RECORD_CALL_MP3_ENCODER=auto',
    );
  return LameEncoder.create(options);
};
