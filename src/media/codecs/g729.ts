/**
 * G729: frames of 10 bytes, 10 ms each, then at most one comfort noise frame of 2 bytes (Annex B), which stands for 10 ms too
 * (RFC 3551 §4.5.6).
 */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreignByLength } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

const FRAME_SAMPLES = 80;

export const g729 = (wire: WireCodec): Codec =>
  foreignByLength(
    wire,
    8000,
    REACH_BACK_MS.g729,
    (length) => FRAME_SAMPLES * (Math.floor(length / 10) + (length % 10 === 2 ? 1 : 0)),
  );
