/** QCELP: an interleaving byte, then 20 ms frames whose first byte is their rate (RFC 2658 §3). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreign } from './foreign.ts';

/** Bytes with the rate byte, by rate: blank, eighth, quarter, half, full. */
const FRAME_BYTES = [1, 4, 8, 17, 35];
const ERASURE = 14;
const FRAME_SAMPLES = 160;

export const qcelp = (wire: WireCodec): Codec => foreign(wire, 8000, samples);

function samples(payload: Uint8Array): number {
  let frames = 0;
  for (let at = 1; at < payload.length; frames++) {
    const rate = payload[at]!;
    const bytes = rate === ERASURE ? 1 : FRAME_BYTES[rate];
    if (bytes === undefined || at + bytes > payload.length) break;
    at += bytes;
  }
  return frames * FRAME_SAMPLES;
}
