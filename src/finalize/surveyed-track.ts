/** A track of a journal: what was noted of it, how it is decoded, and how many of its frames have been seen. */
import { AppError } from '../core/errors.ts';
import type { Leg } from '../core/leg.ts';
import type { Codec } from '../media/codec.ts';
import { codecFor } from '../media/codecs/registry.ts';
import { formatWireCodec, type WireCodec } from '../media/wire-codec.ts';
import type { LinePiece, TrackRecord } from '../spool/journal-record.ts';
import { FrameTicks } from './frame-ticks.ts';

export class SurveyedTrack implements TrackRecord {
  readonly track: number;
  readonly line: number;
  readonly trusted: boolean;
  readonly leg: Leg;
  readonly ssrc: number;
  readonly codec: WireCodec;
  readonly path?: readonly LinePiece[];
  readonly decoding: Codec;
  readonly ticks: FrameTicks;
  frames = 0;
  /** How many of them have been placed. */
  placed = 0;

  /** @throws CODEC_UNSUPPORTED */
  constructor({ track, line, trusted, leg, ssrc, codec, path }: TrackRecord) {
    this.track = track;
    this.line = line;
    this.trusted = trusted;
    this.leg = leg;
    this.ssrc = ssrc;
    this.codec = codec;
    if (path !== undefined) this.path = path;
    this.decoding = known(codec);
    this.ticks = new FrameTicks(this.decoding);
  }
}

const known = (wire: WireCodec): Codec => {
  const codec = codecFor(wire);
  if (codec !== undefined) return codec;
  throw new AppError('CODEC_UNSUPPORTED', `no decoder for ${formatWireCodec(wire)}`);
};
