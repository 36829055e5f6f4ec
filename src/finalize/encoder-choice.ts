/** Which encoder makes an artefact: wav here; mp3 by the machine's libmp3lame, which is fastest, else by ffmpeg where it has one, else by lamejs. */
import { AppError } from '../core/errors.ts';
import type { Format } from '../core/record-call.ts';
import type { AudioEncoder, EncoderOptions } from './encode/audio-encoder.ts';
import { LameEncoder } from './encode/lame-encoder.ts';
import { nativeMp3Coder } from './encode/mp3-coder.ts';
import { WavEncoder } from './encode/wav-encoder.ts';
import { FfmpegEncoder } from './ffmpeg/ffmpeg-encoder.ts';
import { probeFfmpeg } from './ffmpeg/ffmpeg-program.ts';

/** `auto`: the first of libmp3lame, ffmpeg and lamejs that can. The others are a choice, and an error when it can't be had. */
export type EncoderChoice = 'auto' | 'libmp3lame' | 'ffmpeg' | 'lamejs';

export const ENCODER_CHOICES: readonly EncoderChoice[] = ['auto', 'libmp3lame', 'ffmpeg', 'lamejs'];

/** @throws AppError OUTPUT_UNWRITABLE, RATE_UNSUPPORTED, FFMPEG_MISSING, LAME_MISSING */
export const makeEncoder = async (
  choice: EncoderChoice,
  options: EncoderOptions & { format: Format },
): Promise<AudioEncoder> => {
  if (options.format === 'wav') return WavEncoder.create(options);
  if (choice === 'lamejs') return LameEncoder.create(options);
  if (choice !== 'ffmpeg') {
    const native = nativeMp3Coder();
    if (native !== undefined) return LameEncoder.create(options, native);
    if (choice === 'libmp3lame')
      throw new AppError(
        'LAME_MISSING',
        'there is no libmp3lame, or no native kernel to open it; `record-call doctor` says which',
      );
  }
  const program = await probeFfmpeg().catch((error: unknown) => {
    if (choice === 'ffmpeg') throw error;
    return undefined;
  });
  if (program?.encoders.has('libmp3lame')) return FfmpegEncoder.create(options, program);
  if (choice === 'ffmpeg')
    throw new AppError(
      'FFMPEG_MISSING',
      'the ffmpeg on this machine has no libmp3lame; use RECORD_CALL_MP3_ENCODER=auto',
    );
  return LameEncoder.create(options);
};

/** Whether `makeEncoder` makes one that encodes in this thread, and holds no process while it waits for more. */
export const encodesHere = async (choice: EncoderChoice, format: Format): Promise<boolean> => {
  if (format === 'wav' || choice === 'lamejs') return true;
  if (choice === 'ffmpeg') return false;
  if (choice === 'libmp3lame' || nativeMp3Coder() !== undefined) return nativeMp3Coder() !== undefined;
  const program = await probeFfmpeg().catch(() => undefined);
  return program?.encoders.has('libmp3lame') !== true;
};
