/** DVI4: a predictor's state in 4 bytes, then 4 bits a sample (RFC 3551 §4.5.1). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreignByLength } from './foreign.ts';
import { isAudioRate } from './rates.ts';
import { REACH_BACK_MS } from './reach-back.ts';

const HEADER_BYTES = 4;

export const dvi4 = (wire: WireCodec): Codec | undefined =>
  isAudioRate(wire.clockRate)
    ? foreignByLength(wire, wire.clockRate, REACH_BACK_MS.adaptive, (length) => 2 * Math.max(0, length - HEADER_BYTES))
    : undefined;
