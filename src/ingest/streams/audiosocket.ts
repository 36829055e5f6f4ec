/**
 * Asterisk's AudioSocket: TCP, Asterisk dials. Frames of `kind(1) | length(2, big-endian) | payload`, split anywhere; the first names the
 * stream by a UUID. Linear 16 bit, little-endian, at a rate that the kind tells. No timestamps, and nothing is sent in silence.
 */
import { AppError } from '../../core/errors.ts';
import { closing } from './farewell.ts';
import { SaidOnce } from './said-once.ts';
import type { StreamDialect, StreamFarewell, StreamKind, StreamSink } from './stream-dialect.ts';

const HANG_UP = 0x00;
const UUID = 0x01;
const DIGIT = 0x03;
const ERROR = 0xff;
/** Kind of frame → Hz. */
const RATES: ReadonlyMap<number, number> = new Map([
  [0x10, 8000],
  [0x11, 12_000],
  [0x12, 16_000],
  [0x13, 24_000],
  [0x14, 32_000],
  [0x15, 44_100],
  [0x16, 48_000],
  [0x17, 96_000],
  [0x18, 192_000],
]);
const HEAD_BYTES = 3;
const UUID_BYTES = 16;
const IS_DIGIT = /^[0-9*#A-Da-d]$/;

class AudioSocketDialect implements StreamDialect {
  readonly #sink: StreamSink;
  /** The frame that is coming: its head, then its payload. */
  #frame: Buffer = Buffer.alloc(HEAD_BYTES + 1024);
  #filled = 0;
  #hasBegun = false;
  #rate = 0;
  readonly #said: SaidOnce;

  constructor(sink: StreamSink) {
    this.#sink = sink;
    this.#said = new SaidOnce(sink, 1);
  }

  bytes(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#said.hasEnded; ) {
      const wanted = this.#filled < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + this.#frame.readUInt16BE(1);
      const taken = Math.min(wanted - this.#filled, chunk.length - at);
      this.#makeRoom(this.#filled + taken);
      this.#frame.set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === HEAD_BYTES) this.#checkHead();
      if (this.#filled < HEAD_BYTES || this.#filled < HEAD_BYTES + this.#frame.readUInt16BE(1)) continue;
      const { length } = this.#frame.subarray(0, this.#filled);
      this.#filled = 0;
      try {
        this.#take(this.#frame[0]!, this.#frame.subarray(HEAD_BYTES, length));
      } finally {
        this.#frame.fill(0, 0, length);
      }
    }
  }

  closed(): void {
    this.#frame.fill(0);
    this.#said.end('closed');
  }

  /** There is a frame for errors, but Asterisk sends it alone: here, hanging up is all that it understands. */
  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    return closing(error, [Buffer.of(HANG_UP, 0, 0)]);
  }

  /** Whoever begins otherwise speaks another protocol. */
  #checkHead(): void {
    const isUuid = this.#frame[0] === UUID;
    if (!this.#hasBegun && !isUuid) throw new AppError('STREAM_INVALID', 'audiosocket: the first frame is no UUID');
    if (isUuid && this.#frame.readUInt16BE(1) !== UUID_BYTES)
      throw new AppError('STREAM_INVALID', 'audiosocket: a UUID has 16 bytes');
  }

  #take(kind: number, payload: Buffer): void {
    const rate = RATES.get(kind);
    if (rate !== undefined) this.#audio(rate, payload);
    else if (kind === UUID) this.#begin(payload);
    else if (kind === HANG_UP) this.#said.end('hangup');
    else if (kind === DIGIT) this.#digit(payload);
    else if (kind === ERROR) this.#said.warn(`audiosocket: Asterisk tells of error ${payload[0] ?? 0}`);
    else this.#said.warn(`audiosocket: frames of kind 0x${kind.toString(16).padStart(2, '0')} are left out`);
  }

  #digit(payload: Buffer): void {
    const digit = payload.toString('latin1');
    if (!IS_DIGIT.test(digit)) throw new AppError('STREAM_INVALID', 'audiosocket: a key that is none');
    this.#sink.digit('both', digit.toUpperCase());
  }

  #begin(payload: Buffer): void {
    if (this.#hasBegun) throw new AppError('STREAM_INVALID', 'audiosocket: a second UUID');
    this.#hasBegun = true;
    const hex = payload.toString('hex');
    const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    this.#sink.begin({ streamId: uuid, parameters: { uuid } });
  }

  #audio(sampleRate: number, payload: Buffer): void {
    if (payload.length % 2 !== 0) throw new AppError('STREAM_INVALID', 'audiosocket: half a sample');
    if (payload.length === 0) return;
    if (sampleRate !== this.#rate) this.#sink.format({ encoding: 'l16le', sampleRate, channels: 1 });
    this.#rate = sampleRate;
    this.#sink.audio('both', payload);
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#frame.length) return;
    const larger = Buffer.alloc(Math.min(HEAD_BYTES + 0xffff, Math.max(bytes, 2 * this.#frame.length)));
    this.#frame.copy(larger, 0, 0, this.#filled);
    this.#frame.fill(0);
    this.#frame = larger;
  }
}

export const audiosocketKind: StreamKind = {
  name: 'audiosocket',
  transport: 'tcp',
  open: (_, sink) => new AudioSocketDialect(sink),
  connect:
    'dialplan: `AudioSocket(40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092)`, the UUID from `PUT …/streams/audiosocket`',
};
