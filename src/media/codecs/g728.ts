/** G728: four vectors of five samples in 5 bytes, 2.5 ms (RFC 3551 §4.5.5). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreignByLength } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

export const g728 = (wire: WireCodec): Codec =>
  foreignByLength(wire, 8000, REACH_BACK_MS.adaptive, (length) => 20 * Math.floor(length / 5));
