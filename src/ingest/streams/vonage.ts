/**
 * Vonage's WebSocket endpoint: one JSON message that names the content type and holds the NCCO's `headers`, then binary linear 16 bit,
 * little-endian, 20 ms each, mono. No timestamps: placed by arrival.
 */
import { AppError } from '../../core/errors.ts';
import { digitsIn } from './dtmf-text.ts';
import { closing } from './farewell.ts';
import { isObject, type JsonObject, jsonObjectsIn, textIn } from './json-message.ts';
import { aboutOf, parametersIn } from './media-about.ts';
import { mediaFormat } from './media-format.ts';
import { SaidOnce } from './said-once.ts';
import type { StreamDialect, StreamFarewell, StreamKind, StreamSink } from './stream-dialect.ts';

/** Two seconds at the highest rate. */
const MOST_BYTES = 96_000;
const OWN_WORDS = ['event', 'content-type'];
const IGNORED = ['websocket:cleared', 'websocket:notify', 'websocket:media:update'];

class VonageDialect implements StreamDialect {
  readonly #sink: StreamSink;
  #hasBegun = false;
  readonly #said: SaidOnce;

  constructor(sink: StreamSink) {
    this.#sink = sink;
    this.#said = new SaidOnce(sink, 1);
  }

  text(message: string): void {
    if (this.#said.hasEnded) return;
    for (const object of jsonObjectsIn(message)) {
      if (this.#hasBegun) this.#event(object);
      else this.#begin(object);
    }
  }

  binary(message: Uint8Array): void {
    if (this.#said.hasEnded) return;
    if (!this.#hasBegun) throw new AppError('STREAM_INVALID', 'vonage: audio before websocket:connected');
    if (message.length % 2 !== 0) throw new AppError('STREAM_INVALID', 'vonage: half a sample');
    if (message.length > MOST_BYTES) throw new AppError('STREAM_INVALID', `vonage: ${message.length} bytes at once`);
    if (message.length > 0) this.#sink.audio('both', message);
  }

  closed(): void {
    this.#said.end('closed');
  }

  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    return closing(error);
  }

  #begin(message: JsonObject): void {
    const format = mediaFormat('vonage', textIn(message, 'content-type') ?? '');
    if (format.encoding !== 'l16le') throw new AppError('STREAM_INVALID', 'vonage: an encoding that is not taken');
    const words = Object.entries(message).filter(([name]) => !OWN_WORDS.includes(name));
    const about = aboutOf({
      callId: textIn(message, 'uuid', 'conversation_uuid'),
      format,
      parameters: parametersIn('vonage', Object.fromEntries(words)),
    });
    this.#hasBegun = true;
    this.#sink.begin(about);
  }

  #event(message: JsonObject): void {
    const event = textIn(message, 'event');
    if (event === 'websocket:connected') throw new AppError('STREAM_INVALID', 'vonage: a second websocket:connected');
    if (event === 'websocket:dtmf') this.#digit(message);
    else if (event === undefined || !IGNORED.includes(event))
      this.#said.warn('vonage: events of an unknown kind are left out');
  }

  #digit(message: JsonObject): void {
    const said = textIn(message, 'digit') ?? (isObject(message.dtmf) ? textIn(message.dtmf, 'digit') : undefined);
    const digits = digitsIn(said);
    if (digits === undefined) this.#said.warn('vonage: a dtmf event without a digit');
    else for (const digit of digits) this.#sink.digit('both', digit);
  }
}

export const vonageKind: StreamKind = {
  name: 'vonage',
  transport: 'websocket',
  open: (_, sink) => new VonageDialect(sink),
  connect:
    'NCCO: `{"action":"connect","endpoint":[{"type":"websocket","uri":"wss://HOST/v2/accounts/A/streams/vonage?token=KEY","content-type":"audio/l16;rate=16000"}]}`',
};
