/** GSM full rate: frames of 33 bytes, 20 ms each (RFC 3551 §4.5.8). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreignByLength } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

export const gsm = (wire: WireCodec): Codec =>
  foreignByLength(wire, 8000, REACH_BACK_MS.gsm, (length) => 160 * Math.floor(length / 33));
