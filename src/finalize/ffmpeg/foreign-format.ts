/** How a codec that only ffmpeg decodes is handed to it: one file here per family, one row here per encoding name. */
import type { WireCodec } from '../../media/wire-codec.ts';
import { amr, amrWideband } from './amr-format.ts';
import { g723, g726, g729, gsm, ilbc } from './block-formats.ts';
import { speex } from './speex-format.ts';

/** Part of a payload: a frame for ffmpeg, or silence where there is none that it decodes. */
export type ForeignUnit = {
  /** As ffmpeg's demuxer wants it; undefined for silence: comfort noise, a lost or damaged frame. */
  readonly bytes: Uint8Array | undefined;
  /** What ffmpeg returns for `bytes`, or how long the silence is. */
  readonly samples: number;
};

/** One stream's way into ffmpeg. May keep state: units are asked for in the order in which they are sent. */
export interface ForeignFormat {
  /** ffmpeg's decoders, any of which will do. */
  readonly decoders: readonly string[];
  /** The demuxer and its settings. */
  readonly inputOptions: readonly string[];
  /** What comes before the first frame; asked for once, after that frame was made. */
  preamble(): Uint8Array;
  /**
   * @param payload of one RTP packet
   * @param samples how long it plays, by the codec's own rule (`Codec.duration`)
   */
  units(payload: Uint8Array, samples: number): readonly ForeignUnit[];
}

const FORMATS: ReadonlyMap<string, (wire: WireCodec) => ForeignFormat | undefined> = new Map([
  ['G729', g729],
  ['G729A', g729],
  ['G729B', g729],
  ['GSM', gsm],
  ['G723', g723],
  ['ILBC', ilbc],
  ['G726-16', g726],
  ['G726-24', g726],
  ['G726-32', g726],
  ['G726-40', g726],
  ['AAL2-G726-16', g726],
  ['AAL2-G726-24', g726],
  ['AAL2-G726-32', g726],
  ['AAL2-G726-40', g726],
  ['AMR', amr],
  ['AMR-WB', amrWideband],
  ['SPEEX', speex],
]);

/** A fresh one for a stream; undefined for a codec, or parameters of one, that can't be handed to ffmpeg. */
export const foreignFormat = (wire: WireCodec): ForeignFormat | undefined =>
  FORMATS.get(wire.name.toUpperCase())?.(wire);
