/**
 * SPEEX (RFC 5574): 20 ms frames, so 160, 320 or 640 samples by the clock, which names the mode: narrow, wide or ultra-wide.
 * A packet may have several; nothing counts them but their own bits, so the modes are walked to the terminator or the end.
 *
 *     frame: | 0 | mode 4 | …    wideband layer after it: | 1 | mode 3 | …    terminator: | 0 | 1111 |
 */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { bitsAt } from './bits.ts';
import { foreign } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

/** Bits of a frame and of a layer by mode, the heads drawn above included (Speex manual, bit allocation). */
const FRAME_BITS = [5, 43, 119, 160, 220, 300, 364, 492, 79];
const LAYER_BITS = [4, 36, 112, 192, 352];
const USER_MESSAGE = 13;
const DECODER_REQUEST = 14;
/** Bits of a request by its number, after the head and the number (Speex manual, in-band signalling). */
const REQUEST_BITS = [1, 1, 4, 4, 4, 4, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64];
const SHORTEST_HEAD = 5;

export function speex(wire: WireCodec): Codec | undefined {
  const { clockRate } = wire;
  if (clockRate !== 8000 && clockRate !== 16_000 && clockRate !== 32_000) return undefined;
  const reachBackMs = clockRate === 8000 ? REACH_BACK_MS.speexNarrow : REACH_BACK_MS.speexWide;
  return foreign(wire, clockRate, reachBackMs, (payload) => (countFrames(payload) * clockRate) / 50);
}

function countFrames(payload: Uint8Array): number {
  const length = 8 * payload.length;
  let frames = 0;
  for (let at = 0; at + SHORTEST_HEAD <= length; ) {
    const isLayer = bitsAt(payload, at, 1) === 1;
    const mode = isLayer ? bitsAt(payload, at + 1, 3) : bitsAt(payload, at + 1, 4);
    const bits = isLayer ? LAYER_BITS[mode] : frameBits(payload, at, mode);
    if (bits === undefined || at + bits > length) break;
    if (!isLayer && mode < USER_MESSAGE) frames++;
    at += bits;
  }
  return frames;
}

/** Of a frame or of a message between frames; undefined for the terminator and for what isn't defined. */
function frameBits(payload: Uint8Array, at: number, mode: number): number | undefined {
  const number = bitsAt(payload, at + 5, 4);
  if (mode === DECODER_REQUEST) return 9 + REQUEST_BITS[number]!;
  if (mode === USER_MESSAGE) return 14 + 8 * number;
  return FRAME_BITS[mode];
}
