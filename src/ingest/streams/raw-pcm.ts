/**
 * Samples and nothing else, in chunks split anywhere, whose format somebody has to say: by the words `rate`, `channels` and `encoding`, or
 * by a media type. `audio/L16` is big-endian (RFC 2586), whatever some servers send under that name. Keeps at most a part of one sample.
 */
import { AppError } from '../../core/errors.ts';
import type { StreamEncoding, StreamFormat, StreamSink } from './stream-dialect.ts';

const ENCODINGS: ReadonlyMap<string, StreamEncoding> = new Map([
  ['s16le', 'l16le'],
  ['s16be', 'l16be'],
  ['pcmu', 'pcmu'],
  ['ulaw', 'pcmu'],
  ['mulaw', 'pcmu'],
  ['pcma', 'pcma'],
  ['alaw', 'pcma'],
]);
const MEDIA_TYPES: ReadonlyMap<string, StreamEncoding> = new Map([
  ['audio/l16', 'l16be'],
  ['audio/pcmu', 'pcmu'],
  ['audio/pcma', 'pcma'],
  ['audio/basic', 'pcmu'],
]);
const DEFAULT_RATE = 8000;
const RATES = { lowest: 8000, highest: 192_000 };
const LONGEST_SAMPLE = 4;

/** @param words of a query or of metadata; they go before the media type. @throws AppError STREAM_INVALID */
export const pcmFormat = (words: Readonly<Record<string, unknown>>, mediaType = ''): StreamFormat => {
  const [type = '', ...fields] = mediaType.toLowerCase().split(';');
  const parameters = Object.fromEntries(fields.map((field) => field.trim().split('=', 2)));
  const said = wordIn(words, 'encoding')?.toLowerCase();
  const encoding = said === undefined ? (MEDIA_TYPES.get(type.trim()) ?? 'l16le') : ENCODINGS.get(said);
  if (encoding === undefined)
    throw new AppError('STREAM_INVALID', `encoding: one of ${[...ENCODINGS.keys()].join(', ')}`);
  const rate = wholeOf(wordIn(words, 'rate') ?? wordIn(parameters, 'rate') ?? String(DEFAULT_RATE));
  if (rate === undefined || rate < RATES.lowest || rate > RATES.highest)
    throw new AppError('STREAM_INVALID', `rate: a whole number from ${RATES.lowest} to ${RATES.highest}`);
  const channels = wholeOf(wordIn(words, 'channels') ?? wordIn(parameters, 'channels') ?? '1');
  if (channels !== 1 && channels !== 2) throw new AppError('STREAM_INVALID', 'channels: 1 or 2');
  return { encoding, sampleRate: rate, channels };
};

export class RawPcm {
  readonly #sink: StreamSink;
  readonly #sampleBytes: number;
  readonly #rest = Buffer.alloc(LONGEST_SAMPLE);
  #restLength = 0;
  #room = Buffer.alloc(0);

  constructor(sink: StreamSink, { encoding, channels }: StreamFormat) {
    this.#sink = sink;
    this.#sampleBytes = channels * (encoding === 'l16le' || encoding === 'l16be' ? 2 : 1);
  }

  /** The next samples; what is not whole waits for the next chunk. */
  push(chunk: Uint8Array): void {
    const length = this.#restLength + chunk.length;
    const whole = length - (length % this.#sampleBytes);
    if (this.#room.length < length) this.#room = Buffer.alloc(length);
    const room = this.#room;
    room.set(this.#rest.subarray(0, this.#restLength), 0);
    room.set(chunk, this.#restLength);
    this.#rest.set(room.subarray(whole, length), 0);
    this.#restLength = length - whole;
    try {
      if (whole > 0) this.#sink.audio('both', room.subarray(0, whole));
    } finally {
      room.fill(0, 0, length);
    }
  }

  /** Nothing more comes; a part of a sample is nothing. */
  end(): void {
    this.#rest.fill(0);
    this.#restLength = 0;
  }
}

const wordIn = (words: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = Object.hasOwn(words, name) ? words[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const wholeOf = (text: string): number | undefined => (/^\d{1,6}$/.test(text) ? Number(text) : undefined);
