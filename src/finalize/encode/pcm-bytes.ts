/** 16-bit PCM between memory and little-endian files (WAV, s16le). */
import { endianness } from 'node:os';

const LITTLE_ENDIAN = endianness() === 'LE';

/**
 * The bytes of the first `count` samples, low byte first: a view of `pcm` where the machine allows it, a copy
 * elsewhere.
 */
export const pcmToBytes = (pcm: Int16Array, count: number): Buffer => {
  // Past its end `pcm` may share memory with other audio, masked audio among it.
  if (count > pcm.length) throw new RangeError(`${count} samples asked of ${pcm.length}`);
  const view = Buffer.from(pcm.buffer, pcm.byteOffset, count * 2);
  return LITTLE_ENDIAN ? view : Buffer.from(view).swap16();
};

/**
 * The samples in `bytes`, which must be even in number and is copied: chunks of a file or pipe may start at an odd
 * address.
 */
export const bytesToPcm = (bytes: Uint8Array): Int16Array => {
  const pcm = new Int16Array(bytes.length / 2);
  const copy = Buffer.from(pcm.buffer);
  copy.set(bytes);
  if (!LITTLE_ENDIAN) copy.swap16();
  return pcm;
};
