import type { WireCodec } from './wire-codec.ts';

/** Turns one stream's payloads, in timestamp order, into 16-bit mono PCM. Holds state where the codec does (G.722, opus). */
export interface FrameDecoder {
  /**
   * Decodes one payload into `out`, mixing a multi-channel payload down to mono.
   * @param out at least `Codec.duration(payload)` in audio samples long.
   * @returns samples written at `Codec.sampleRate` Hz; 0 for a payload that can't be decoded. Never throws.
   */
  decode(payload: Uint8Array, out: Int16Array): number;
  /** Says that the next payload doesn't follow on the last. A codec forgets what would garble it and may keep what helps. */
  reset(): void;
  close(): void;
}

/** Everything the pipeline needs to know of a codec, for one wire description of it. */
export interface Codec {
  readonly wire: WireCodec;
  /** Rate of the decoded audio in Hz: 16000 for G.722, whose RTP clock says 8000. */
  readonly sampleRate: number;
  /** `native`: decoded here. `ffmpeg`: needs the program. `none`: carries no audio (telephone-event, CN). */
  readonly decodedBy: 'native' | 'ffmpeg' | 'none';
  /** How long `payload` plays, in ticks of the wire clock; 0 when it carries no audio or can't be told. Allocates nothing. */
  duration(payload: Uint8Array): number;
  /**
   * How much audio from before the frame its payload also holds, in ticks: look-ahead of the encoder and what it predicts from,
   * redundancy, interleaving. 0 when absent. Allocates nothing.
   * A frame that begins within this of a mask's end carries masked sound.
   */
  reachBack?(payload: Uint8Array): number;
  /** Both depend on the payload's length alone: what is known of one holds for all that are as long. */
  readonly byLength?: true;
  /** A fresh decoder; only for `native`. At once, but for codecs that have to load something first (opus). */
  createDecoder?(): FrameDecoder | Promise<FrameDecoder>;
}
