import type { Leg } from '../core/leg.ts';
import type { Codec } from '../media/codec.ts';

/** Where frames come from: one leg's SSRC in one codec. The object's identity names it; recorders number it in their journals. */
export type TrackSource = {
  readonly leg: Leg;
  readonly ssrc: number;
  readonly codec: Codec;
};
