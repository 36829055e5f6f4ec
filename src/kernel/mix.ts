/** Adds, interleaves, scales and folds 16-bit PCM. Pure; the caller owns every buffer; the buffers of one call must not overlap. */

/** `dst[i] = dst[i] + src[i]`, held within 16 bits, for as many samples as both have. */
export function mixInto(dst: Int16Array, src: Int16Array): void {
  const count = Math.min(dst.length, src.length);
  for (let i = 0; i < count; i++) {
    const sum = dst[i]! + src[i]!;
    dst[i] = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
  }
}

/** Left and right into left-right pairs: as many as all three buffers have room for. */
export function interleave(left: Int16Array, right: Int16Array, dst: Int16Array): void {
  const count = Math.min(left.length, right.length, dst.length >> 1);
  for (let i = 0; i < count; i++) {
    dst[2 * i] = left[i]!;
    dst[2 * i + 1] = right[i]!;
  }
}

/** One channel of interleaved samples, from its first: `dst[i] = src[i · step] · factor`, for as many samples as both have. */
export function scale(src: Int16Array, step: number, factor: number, dst: Float32Array): void {
  const count = Math.min(Math.ceil(src.length / step), dst.length);
  for (let i = 0, at = 0; i < count; i++, at += step) dst[i] = src[at]! * factor;
}

/**
 * The mean of `channels` interleaved channels, rounded to the nearest; channels that are alike stay as they are.
 * @returns samples written: whole groups of channels only, and no more than `dst` holds.
 */
export function downmix(src: Int16Array, channels: number, dst: Int16Array): number {
  const count = Math.min(Math.floor(src.length / channels), dst.length);
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += src[at++]!;
    dst[i] = Math.round(sum / channels);
  }
  return count;
}
