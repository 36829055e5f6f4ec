/** G723 (G.723.1): 30 ms frames whose first two bits, counted from the low end, say how long they are (RFC 3551 §4.5.3). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreign } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

/** Bytes: 6.3 kbit/s, 5.3 kbit/s, silence description; the fourth is reserved. */
const FRAME_BYTES = [24, 20, 4, 0] as const;
const FRAME_SAMPLES = 240;

export const g723 = (wire: WireCodec): Codec => foreign(wire, 8000, REACH_BACK_MS.g723, samples);

function samples(payload: Uint8Array): number {
  let frames = 0;
  for (let at = 0; at < payload.length; frames++) {
    const bytes = FRAME_BYTES[(payload[at]! & 3) as 0 | 1 | 2 | 3];
    at += bytes;
    if (bytes === 0 || at > payload.length) break;
  }
  return frames * FRAME_SAMPLES;
}
