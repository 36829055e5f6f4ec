/**
 * Media streams in JSON, as Twilio began them and others took them over: `connected`, one `start`, then `media` with base64 in it, `dtmf`,
 * `stop`. Numbers may be text. Whatever differs from server to server is in the `JsonMediaWords` of its kind. Pure.
 */
import { AppError } from '../../core/errors.ts';
import { Base64Room } from './base64-room.ts';
import { digitsIn } from './dtmf-text.ts';
import { closing } from './farewell.ts';
import { isObject, type JsonObject, jsonObjectsIn, textIn } from './json-message.ts';
import { MediaClock } from './media-clock.ts';
import { bytesPerMs } from './media-format.ts';
import { legsOfTrack } from './media-track.ts';
import { SaidOnce } from './said-once.ts';
import type {
  StreamAbout,
  StreamDialect,
  StreamFarewell,
  StreamFormat,
  StreamPlace,
  StreamRequest,
  StreamSink,
  StreamTrack,
} from './stream-dialect.ts';
import { wholeIn } from './whole-number.ts';

export type JsonStart = StreamAbout & { readonly format: StreamFormat };

export type JsonMediaWords = {
  readonly name: string;
  /** What `start` says. @param start the object of that name @throws AppError STREAM_INVALID */
  readonly about: (start: JsonObject, message: JsonObject, request: StreamRequest) => JsonStart;
  /** Whose audio and keys are where a message names no track. */
  readonly untold: StreamTrack;
  /** Events without a meaning for a recording. */
  readonly ignored: readonly string[];
};

/** A first timestamp beyond this is no time since the stream's start, but one since 1970: 1973 in milliseconds. */
const FIRST_UNIX_MS = 100_000_000_000;

export class JsonMediaDialect implements StreamDialect {
  readonly #words: JsonMediaWords;
  readonly #request: StreamRequest;
  readonly #sink: StreamSink;
  readonly #room = new Base64Room();
  #start: JsonStart | undefined;
  readonly #said: SaidOnce;
  /** What timestamps count from, once one was seen. */
  #originMs: number | undefined;
  readonly #clocks = new Map<StreamTrack, MediaClock>();

  constructor(words: JsonMediaWords, request: StreamRequest, sink: StreamSink) {
    this.#words = words;
    this.#request = request;
    this.#sink = sink;
    this.#said = new SaidOnce(sink);
  }

  text(message: string): void {
    if (this.#said.hasEnded) return;
    for (const object of jsonObjectsIn(message)) this.#take(object);
  }

  binary(): void {
    if (this.#said.hasEnded) return;
    throw this.#invalid('a binary message, where all is JSON');
  }

  closed(): void {
    this.#said.end('closed');
  }

  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    return closing(error);
  }

  #take(message: JsonObject): void {
    if (this.#said.hasEnded) return;
    const event = textIn(message, 'event');
    switch (event) {
      case undefined:
        throw this.#invalid('a message without event');
      case 'start':
        this.#begin(message);
        break;
      case 'media':
        this.#media(message);
        break;
      case 'dtmf':
        this.#digit(message);
        break;
      case 'stop':
        this.#said.end('stop');
        break;
      case 'error':
        this.#warn('the server tells of an error of its own');
        break;
      default:
        if (!this.#words.ignored.includes(event)) this.#warn('events of an unknown kind are left out');
    }
  }

  #begin(message: JsonObject): void {
    if (this.#start !== undefined) throw this.#invalid('a second start');
    const start = this.#words.about(this.#within(message, 'start'), message, this.#request);
    this.#start = start;
    this.#sink.begin(start);
  }

  #media(message: JsonObject): void {
    const start = this.#started();
    const media = this.#within(message, 'media');
    const track = this.#track(textIn(media, 'track') ?? textIn(message, 'track'));
    const bytes = this.#room.decode(Object.hasOwn(media, 'payload') ? media.payload : undefined);
    if (bytes === undefined) throw this.#invalid('a payload that is no base64, or longer than any');
    try {
      const isLinear = start.format.encoding === 'l16le' || start.format.encoding === 'l16be';
      if (isLinear && bytes.length % 2 !== 0) throw this.#invalid('half a sample');
      if (bytes.length > 0)
        this.#sink.audio(track, bytes, this.#place(track, media, bytes.length / bytesPerMs(start.format)));
    } finally {
      this.#room.clear();
    }
  }

  /** Before the first message is less than 0: they need not come in order. */
  #place(track: StreamTrack, media: JsonObject, durationMs: number): StreamPlace {
    const sequence = wholeIn(media, 'chunk');
    const numbered = sequence === undefined ? {} : { sequence };
    const timestamp = wholeIn(media, 'timestamp');
    if (timestamp === undefined) return numbered;
    let clock = this.#clocks.get(track);
    if (clock === undefined) {
      clock = new MediaClock();
      this.#clocks.set(track, clock);
    }
    if (!clock.trusts(timestamp, sequence, durationMs)) {
      this.#warn('timestamps do not count milliseconds; audio is placed by arrival');
      return numbered;
    }
    this.#originMs ??= timestamp >= FIRST_UNIX_MS ? timestamp : 0;
    return { atMs: timestamp - this.#originMs, ...numbered };
  }

  #digit(message: JsonObject): void {
    this.#started();
    const dtmf = isObject(message.dtmf) ? message.dtmf : {};
    const digits = digitsIn(textIn(dtmf, 'digit') ?? textIn(message, 'digit', 'dtmf'));
    if (digits === undefined) {
      this.#warn('a dtmf event without a digit');
      return;
    }
    const track = this.#track(textIn(dtmf, 'track') ?? textIn(message, 'track'));
    for (const digit of digits) this.#sink.digit(track, digit);
  }

  #track(said: string | undefined): StreamTrack {
    const { tracks } = this.#started();
    if (said === undefined) return tracks?.length === 1 ? tracks[0]! : this.#words.untold;
    const legs = legsOfTrack(said);
    if (legs.length !== 1) throw this.#invalid('a track that is neither inbound nor outbound');
    return legs[0]!;
  }

  #started(): JsonStart {
    if (this.#start === undefined) throw this.#invalid('media before start');
    return this.#start;
  }

  #within(message: JsonObject, name: 'start' | 'media'): JsonObject {
    const object = message[name];
    if (!isObject(object)) throw this.#invalid(`${name} without an object of that name`);
    return object;
  }

  #warn(message: string): void {
    this.#said.warn(`${this.#words.name}: ${message}`);
  }

  #invalid(what: string): AppError {
    return new AppError('STREAM_INVALID', `${this.#words.name}: ${what}`);
  }
}
