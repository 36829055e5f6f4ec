/**
 * What turns samples into frames of mp3: the machine's libmp3lame through the native kernel, or lamejs, behind one interface. Neither writes
 * an Info tag; `lame-encoder.ts` does for both.
 */
import { nativeModule } from '../../kernel/native-module.ts';
import type { Mp3Format } from './info-tag.ts';
import { lamejsCoder } from './lamejs-coder.ts';
import { libmp3lameCoder } from './libmp3lame-coder.ts';

export interface Mp3Coder {
  /** For the manifest: `lamejs 1.2.0`, `libmp3lame 3.100`. */
  readonly name: string;
  /** For the tag: nine characters at most, beginning with LAME. */
  readonly tag: string;
  /**
   * Samples per channel, in 16-bit range; floats are not rounded. `right` is not read for one channel.
   * @returns whole frames, valid until the next call. @throws Error whatever it fails with
   */
  encode(left: Float32Array, right: Float32Array, samples: number): Uint8Array;
  /** What is left, filled up with silence. Once, at the end. */
  flush(): Uint8Array;
  /** Idempotent. */
  close(): void;
}

/**
 * At all bitrates used here LAME of any kind lowers the level to 0.95 (its preset against clipping in players). Undone, so that mp3 and wav
 * are equally loud.
 */
export const LEVEL = 1 / 0.95;

export type MakeMp3Coder = (format: Mp3Format) => Mp3Coder;

/** Through the machine's libmp3lame; undefined without it, or without the native kernel. */
export const nativeMp3Coder = (): MakeMp3Coder | undefined => {
  const library = nativeModule?.mp3Library();
  if (nativeModule === undefined || library === undefined) return undefined;
  const native = nativeModule;
  return (format) => libmp3lameCoder(native, library, format);
};

export const portableMp3Coder: MakeMp3Coder = lamejsCoder;
