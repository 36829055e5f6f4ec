/**
 * Payloads of frames that follow each other, to be decoded in one go: what a call of a decoder costs, and what is done with its samples, is
 * then paid once for several frames. For codecs of which any bytes behind each other decode to the same samples, however they are cut.
 */
import type { Codec, FrameDecoder } from '../media/codec.ts';
import type { HeldPayload } from './held-payload.ts';

/** A quarter of a second of G.711. */
const ROOM_BYTES = 2048;

/** So many bytes are so many samples. The `close` of these codecs' decoders does nothing: what was gathered before may be decoded behind it. */
type Grain = { readonly bytes: number; readonly samples: number };
const GRAINS: ReadonlyMap<string, Grain> = new Map([
  ['PCMU', { bytes: 1, samples: 1 }],
  ['PCMA', { bytes: 1, samples: 1 }],
  ['G722', { bytes: 1, samples: 2 }],
  ['L16', { bytes: 2, samples: 1 }],
]);

export class JoinedPayloads {
  /** What was gathered decodes to so many. */
  samples = 0;
  readonly #grain: Grain;
  readonly #room = new Uint8Array(ROOM_BYTES);
  readonly #view = new DataView(this.#room.buffer);
  #used = 0;

  /** @returns undefined for a codec whose payloads are decoded one by one */
  static of({ wire, sampleRate }: Codec): JoinedPayloads | undefined {
    const grain = GRAINS.get(wire.name.toUpperCase());
    const isWhole = wire.channels === 1 && (sampleRate === wire.clockRate || grain?.samples === 2);
    return grain === undefined || !isWhole ? undefined : new JoinedPayloads(grain);
  }

  private constructor(grain: Grain) {
    this.#grain = grain;
  }

  /** Whether it can be taken when nothing else has been. */
  fits({ length }: HeldPayload): boolean {
    return length <= ROOM_BYTES && length % this.#grain.bytes === 0;
  }

  hasRoomFor({ length }: HeldPayload): boolean {
    return this.#used + length <= ROOM_BYTES;
  }

  /** Copies one that fits, and for which there is room. @returns the samples that it is */
  take(payload: HeldPayload): number {
    payload.copyTo(this.#view, this.#used);
    this.#used += payload.length;
    const samples = (payload.length / this.#grain.bytes) * this.#grain.samples;
    this.samples += samples;
    return samples;
  }

  /** Decodes what was gathered, and begins anew. @param out at least `samples` long */
  decode(decoder: FrameDecoder, out: Int16Array): void {
    decoder.decode(this.#room.subarray(0, this.#used), out);
    this.#used = 0;
    this.samples = 0;
  }
}
