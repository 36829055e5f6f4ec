/** Samples over TCP behind a head of words that says what they are and whose, and ends with one byte. Keeps the head until it is whole, bounded. Pure. */
import { AppError } from '../../core/errors.ts';
import { closing } from './farewell.ts';
import { pcmFormat, RawPcm } from './raw-pcm.ts';
import type { StreamDialect, StreamFarewell, StreamSink } from './stream-dialect.ts';

const LONGEST_HEAD = 8192;

export type HeadedWords = {
  readonly name: string;
  /** The byte behind the head. */
  readonly terminator: number;
  readonly wordsOf: (head: string) => Readonly<Record<string, string>>;
};

export class HeadedPcm implements StreamDialect {
  readonly #words: HeadedWords;
  readonly #sink: StreamSink;
  #head = Buffer.alloc(0);
  #pcm: RawPcm | undefined;
  #hasEnded = false;

  constructor(words: HeadedWords, sink: StreamSink) {
    this.#words = words;
    this.#sink = sink;
  }

  bytes(chunk: Uint8Array): void {
    if (this.#hasEnded) return;
    if (this.#pcm !== undefined) {
      this.#pcm.push(chunk);
      return;
    }
    const end = chunk.indexOf(this.#words.terminator);
    const length = this.#head.length + (end === -1 ? chunk.length : end);
    if (length > LONGEST_HEAD)
      throw new AppError('STREAM_INVALID', `${this.#words.name}: no end of the head within ${LONGEST_HEAD} bytes`);
    this.#head = Buffer.concat([this.#head, chunk.subarray(0, end === -1 ? chunk.length : end)]);
    if (end === -1) return;
    this.#begin(this.#head.toString('utf8'));
    this.#head = Buffer.alloc(0);
    if (end + 1 < chunk.length) this.bytes(chunk.subarray(end + 1));
  }

  closed(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#pcm?.end();
    this.#sink.end('closed');
  }

  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    return closing(error);
  }

  #begin(head: string): void {
    const words = this.#words.wordsOf(head);
    const format = pcmFormat(words);
    this.#pcm = new RawPcm(this.#sink, format);
    const { rate: _rate, channels: _channels, encoding: _encoding, ...parameters } = words;
    this.#sink.begin({ format, parameters });
  }
}
