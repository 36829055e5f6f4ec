/**
 * What every encoder of finished audio is: PCM in, one file out. The file is a caller's temporary; renaming it is not
 * done here.
 */
import type { Sealing } from '../../spool/seal/sealed-writer.ts';

export type PcmFormat = {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
};

export type EncoderOptions = PcmFormat & {
  /** Where to write. Made exclusively with mode 0600: a file that is already there is OUTPUT_UNWRITABLE. */
  readonly path: string;
  /** Seals the file on disk; sizes and digest are the content's all the same. */
  readonly seal?: Sealing | undefined;
};

export type EncodedFile = {
  /** Of its content, as the digest is. */
  readonly bytes: number;
  /** Per channel: exactly as many as were written. */
  readonly samples: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** What made it, for the manifest: `wav`, `lamejs 1.2.0`, `ffmpeg 5.1.9 libmp3lame`. */
  readonly encoder: string;
};

/**
 * One file in the making. Calls follow one another: the next `write` only after the last one's promise, then `finish`
 * or `abort`. When `write` or `finish` throws, the file stays as it is until `abort`.
 */
export interface AudioEncoder {
  /**
   * Takes `frames` sample frames, interleaved when stereo (left first). `pcm` may be reused once this has returned or
   * resolved. lamejs computes right here, about 2 % of the audio's length: run it in a worker.
   * @throws AppError OUTPUT_UNWRITABLE, ENCODE_FAILED, FFMPEG_FAILED
   */
  write(pcm: Int16Array, frames: number): Promise<void> | void;
  /**
   * Completes the file, on disk (fsync) when this resolves.
   * @throws AppError OUTPUT_UNWRITABLE, ENCODE_FAILED, FFMPEG_FAILED
   */
  finish(): Promise<EncodedFile>;
  /** Gives up: closes and removes the file. Idempotent, and harmless after `finish`, which leaves the file alone. */
  abort(): Promise<void>;
}
