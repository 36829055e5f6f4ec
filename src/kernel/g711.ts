/** µ-law and A-law, 8 bits a sample (ITU-T G.711), to and from 16-bit PCM. Pure; the caller owns every buffer; nothing is allocated. */

/** 16-bit value of every µ-law code: 14-bit values of G.711 table 2 shifted up by two bits. */
export const ULAW_TO_PCM: Int16Array = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return bits & 0x80 ? -magnitude : magnitude;
});

/** 16-bit value of every A-law code: 13-bit values of G.711 table 1 shifted up by three bits. */
export const ALAW_TO_PCM: Int16Array = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55; // Even bits travel inverted (G.711 §3.2).
  const segment = (bits >> 4) & 7;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
});

/** Decodes as many codes as both buffers hold: one byte, one sample. The buffers must not overlap. */
export function decodeUlaw(src: Uint8Array, dst: Int16Array): void {
  const count = Math.min(src.length, dst.length);
  for (let i = 0; i < count; i++) dst[i] = ULAW_TO_PCM[src[i]!]!;
}

/** Decodes as many codes as both buffers hold: one byte, one sample. The buffers must not overlap. */
export function decodeAlaw(src: Uint8Array, dst: Int16Array): void {
  const count = Math.min(src.length, dst.length);
  for (let i = 0; i < count; i++) dst[i] = ALAW_TO_PCM[src[i]!]!;
}

const ULAW_BIAS = 0x84;
const ULAW_CLIP = 0x7fff - ULAW_BIAS;

/** Encodes by the decision values of G.711 table 2, as many samples as both buffers hold. Zero becomes 0xff. */
export function encodeUlaw(src: Int16Array, dst: Uint8Array): void {
  const count = Math.min(src.length, dst.length);
  for (let i = 0; i < count; i++) {
    const sample = src[i]!;
    const biased = Math.min(Math.abs(sample), ULAW_CLIP) + ULAW_BIAS;
    const segment = 24 - Math.clz32(biased); // The bias puts the top bit at 7 or above.
    const bits = (segment << 4) | ((biased >> (segment + 3)) & 0x0f);
    dst[i] = ~(sample < 0 ? bits | 0x80 : bits);
  }
}

/** Encodes by the decision values of G.711 table 1, as many samples as both buffers hold. Zero becomes 0xd5. */
export function encodeAlaw(src: Int16Array, dst: Uint8Array): void {
  const count = Math.min(src.length, dst.length);
  for (let i = 0; i < count; i++) {
    const sample = src[i]!;
    const magnitude = sample < 0 ? ~sample : sample; // A-law has no zero: 0 and -1 are the two innermost steps.
    const segment = Math.max(0, 24 - Math.clz32(magnitude));
    const bits = (segment << 4) | ((magnitude >> Math.max(4, segment + 3)) & 0x0f);
    dst[i] = (sample < 0 ? bits : bits | 0x80) ^ 0x55;
  }
}
