/**
 * Asterisk's chan_websocket (20.16, 21.11, 22.6, 23.0 and later): text messages for control, one line of `KEY name:value …` or, where the
 * channel is dialled with f(json), an object; binary messages for media, one or more frames of the channel's codec each, linear samples
 * little-endian. Nothing is sent in silence, so arrival places the audio. Asterisk's own queue (XON, XOFF, marks) is of no interest to
 * somebody who only listens. Pure.
 */
import { AppError } from '../../core/errors.ts';
import { digitsIn } from './dtmf-text.ts';
import { closing } from './farewell.ts';
import { isObject, type JsonObject, jsonObjectsIn, textIn } from './json-message.ts';
import { SaidOnce } from './said-once.ts';
import type { StreamDialect, StreamFarewell, StreamFormat, StreamKind, StreamSink } from './stream-dialect.ts';

type Control = 'plain-text' | 'json';

const linear = (sampleRate: number): StreamFormat => ({ encoding: 'l16le', sampleRate, channels: 1 });

/** By Asterisk's name of the format; its others (slin96, g729, gsm, speex …) are not taken in. */
const FORMATS: ReadonlyMap<string, StreamFormat> = new Map([
  ['ulaw', { encoding: 'pcmu', sampleRate: 8000, channels: 1 }],
  ['alaw', { encoding: 'pcma', sampleRate: 8000, channels: 1 }],
  ['g722', { encoding: 'g722', sampleRate: 16_000, channels: 1 }],
  ['opus', { encoding: 'opus', sampleRate: 48_000, channels: 1 }],
  ['slin', linear(8000)],
  ['slin12', linear(12_000)],
  ['slin16', linear(16_000)],
  ['slin24', linear(24_000)],
  ['slin32', linear(32_000)],
  ['slin44', linear(44_100)],
  ['slin48', linear(48_000)],
]);

/** Of a dialplan variable for us: `RECORD_CALL_CALL_ID` is the parameter `call_id`, `RECORD_CALL` is `record_call`. */
const OURS = /^RECORD_CALL(?:_([A-Z0-9_.]{1,64}))?$/i;

const IGNORED: ReadonlySet<string> = new Set([
  'MEDIA_XON',
  'MEDIA_XOFF',
  'STATUS',
  'QUEUE_DRAINED',
  'MEDIA_MARK_PROCESSED',
  'MEDIA_BUFFERING_COMPLETED',
]);

const EVENT = /^[A-Z][A-Z_]{1,63}$/;
const PLAIN = /^([A-Z][A-Z_]{1,63})(?: |$)/;
/** No value that matters has a space in it. */
const FIELD = /(?:^| )([a-z_]{1,32}):(\S{0,1024})/g;
const LONGEST_PLAIN = 4096;

class AsteriskWebsocket implements StreamDialect {
  readonly #sink: StreamSink;
  #control: Control | undefined;
  #format: StreamFormat | undefined;
  readonly #said: SaidOnce;

  constructor(sink: StreamSink) {
    this.#sink = sink;
    this.#said = new SaidOnce(sink);
  }

  text(message: string): void {
    if (this.#said.hasEnded) return;
    const control: Control = message.trimStart().startsWith('{') ? 'json' : 'plain-text';
    const events = control === 'json' ? jsonObjectsIn(message) : [plainEvent(message)];
    this.#control ??= control;
    for (const event of events) this.#event(event);
  }

  binary(message: Uint8Array): void {
    if (this.#said.hasEnded || message.length === 0) return;
    if (this.#format === undefined) throw new AppError('STREAM_INVALID', 'media before MEDIA_START');
    if (this.#format.encoding === 'l16le' && message.length % 2 !== 0) {
      throw new AppError('STREAM_INVALID', `${message.length} bytes of media are no 16-bit samples`);
    }
    this.#sink.audio('both', message);
  }

  closed(): void {
    this.#said.end('closed');
  }

  /** A channel that is hung up by its own word ends at once; a socket that is merely closed looks like a fault in Asterisk's log. */
  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    if (this.#control === undefined) return closing(error);
    return closing(error, [this.#control === 'json' ? '{"command":"HANGUP"}' : 'HANGUP']);
  }

  #event(event: JsonObject): void {
    const name = textIn(event, 'event');
    if (name === undefined || !EVENT.test(name)) {
      throw new AppError('STREAM_INVALID', 'a text message that is no event of chan_websocket');
    }
    switch (name) {
      case 'MEDIA_START':
        this.#begin(event);
        break;
      case 'DTMF_END':
        this.#digit(event);
        break;
      case 'ERROR':
        this.#said.warn('Asterisk tells of an error');
        break;
      default:
        if (!IGNORED.has(name)) this.#said.warn(`chan_websocket event ${name} is not known`);
    }
  }

  #begin(event: JsonObject): void {
    if (this.#format !== undefined) throw new AppError('STREAM_INVALID', 'MEDIA_START twice');
    const name = textIn(event, 'format') ?? '';
    const format = FORMATS.get(name);
    if (format === undefined) {
      const shown = /^[\w.-]{1,32}$/.test(name) ? name : 'none';
      throw new AppError(
        'STREAM_INVALID',
        `format ${shown}: dial with c(ulaw), c(alaw), c(g722), c(opus) or c(slin) to c(slin48)`,
      );
    }
    this.#format = format;
    const channelId = textIn(event, 'channel_id');
    this.#sink.begin({
      ...(channelId === undefined ? {} : { streamId: channelId, callId: channelId }),
      format,
      parameters: parametersOf(event.channel_variables),
    });
  }

  #digit(event: JsonObject): void {
    if (this.#format === undefined) throw new AppError('STREAM_INVALID', 'DTMF_END before MEDIA_START');
    const digits = digitsIn(textIn(event, 'digit'));
    if (digits?.length === 1) this.#sink.digit('both', digits[0]!);
    else this.#said.warn('DTMF_END without a digit');
  }
}

/** `MEDIA_START connection_id:c1 channel:WebSocket/c1/0x7f… format:ulaw …`: values may hold colons, an event may have none of them. */
const plainEvent = (message: string): JsonObject => {
  if (message.length > LONGEST_PLAIN)
    throw new AppError('STREAM_INVALID', `a text message of ${message.length} characters`);
  const line = message.trim();
  const name = PLAIN.exec(line)?.[1];
  if (name === undefined) throw new AppError('STREAM_INVALID', 'a text message that is no event of chan_websocket');
  const event: Record<string, unknown> = Object.create(null);
  for (const [, key, value] of line.matchAll(FIELD)) event[key!] ??= value;
  event.event = name;
  return event;
};

const parametersOf = (variables: unknown): Record<string, unknown> => {
  if (!isObject(variables)) return {};
  const ours = Object.entries(variables).flatMap(([name, value]): [string, unknown][] => {
    const match = OURS.exec(name);
    return match === null ? [] : [[match[1]?.toLowerCase() ?? 'record_call', value]];
  });
  return Object.fromEntries(ours);
};

export const asteriskWebsocketKind: StreamKind = {
  name: 'asterisk-websocket',
  transport: 'websocket',
  bringsToken: true,
  subprotocols: ['media'],
  open: (_request, sink) => new AsteriskWebsocket(sink),
  connect: 'Dial(WebSocket/record-call/c(slin16)f(json)v(call_id=c1,leg=a)), uri and token in websocket_client.conf',
};
