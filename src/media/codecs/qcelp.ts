/** QCELP: an interleaving byte, then 20 ms frames whose first byte is their rate (RFC 2658 §3). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreign } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

/** Bytes with the rate byte, by rate: blank, eighth, quarter, half, full. */
const FRAME_BYTES = [1, 4, 8, 17, 35];
const ERASURE = 14;
const FRAME_SAMPLES = 160;
const FRAME_MS = 20;
/** In a packet, at most. */
const MOST_FRAMES = 10;

export const qcelp = (wire: WireCodec): Codec =>
  foreign(wire, 8000, reachBackMs, (payload) => countFrames(payload) * FRAME_SAMPLES);

function countFrames(payload: Uint8Array): number {
  let frames = 0;
  for (let at = 1; at < payload.length; frames++) {
    const rate = payload[at]!;
    const bytes = rate === ERASURE ? 1 : FRAME_BYTES[rate];
    if (bytes === undefined || at + bytes > payload.length) break;
    at += bytes;
  }
  return frames;
}

/** `| RR | LLL | NNN |`: with L other than 0, a packet has every (L + 1)-th frame of a group. Taken to be as long as any may be. */
function reachBackMs(payload: Uint8Array): number {
  const apart = ((payload[0] ?? 0) >> 3) & 7;
  if (apart === 0) return REACH_BACK_MS.qcelp;
  return REACH_BACK_MS.qcelp + (apart + 1) * Math.max(MOST_FRAMES, countFrames(payload)) * FRAME_MS;
}
