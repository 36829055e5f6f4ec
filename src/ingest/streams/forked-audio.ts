/**
 * What FreeSWITCH's modules that fork a channel's audio to a WebSocket have in common: perhaps a text of metadata first, then linear
 * 16-bit samples, little-endian, in messages of any length, with texts between them. Rate and mix are what the module was told when it was
 * started; metadata need not repeat them, so the query may. No timestamps, and nothing while paused: arrival places the audio. Pure;
 * keeps at most a part of one sample.
 */
import { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import { digitsIn } from './dtmf-text.ts';
import { closing } from './farewell.ts';
import { isObject, type JsonObject, jsonObjectsIn, textIn } from './json-message.ts';
import { SaidOnce } from './said-once.ts';
import type {
  StreamAbout,
  StreamDialect,
  StreamFarewell,
  StreamFormat,
  StreamRequest,
  StreamSink,
  StreamTrack,
} from './stream-dialect.ts';

/** mono: who is on the channel; mixed: both in one; stereo: interleaved, who is on the channel first. */
type Mix = 'mono' | 'mixed' | 'stereo';

const MIXES: ReadonlySet<string> = new Set(['mono', 'mixed', 'stereo'] satisfies Mix[]);
const DEFAULT_RATE = 8000;
const RATES = { lowest: 8000, highest: 48_000 };
/** Beside its name in metadata, each may be in the query. */
const RATE_NAMES = ['sampleRate', 'sample_rate', 'rate'];
const MIX_NAMES = ['mixType', 'mix_type', 'mix'];

export class ForkedAudio implements StreamDialect {
  readonly #request: StreamRequest;
  readonly #sink: StreamSink;
  /** Whether any text may be sent (mod_audio_stream), not only JSON. */
  readonly #texts: 'json' | 'any';
  #format: StreamFormat | undefined;
  /** Of a sample of all channels that is not whole yet. */
  readonly #rest = new Uint8Array(4);
  #restLength = 0;
  readonly #said: SaidOnce;

  constructor(request: StreamRequest, sink: StreamSink, options: { texts: 'json' | 'any' }) {
    this.#request = request;
    this.#sink = sink;
    this.#said = new SaidOnce(sink);
    this.#texts = options.texts;
  }

  text(message: string): void {
    if (this.#said.hasEnded) return;
    // What looks like JSON and is none may have been a digit, and a digit may be a mask: that is not passed over.
    if (this.#texts === 'any' && !/^\s*\{/.test(message)) this.#said.warn('a text that is no JSON is ignored');
    else for (const object of jsonObjectsIn(message)) this.#object(object);
  }

  binary(message: Uint8Array): void {
    if (this.#said.hasEnded) return;
    // How mod_audio_fork says that it is done; it leaves it to us to close.
    if (message.length === 0) this.#end('stop');
    else this.#samples(message, 2 * (this.#format ?? this.#begin({})).channels);
  }

  closed(): void {
    this.#end('closed');
  }

  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    return closing(error);
  }

  #object(object: JsonObject): void {
    const dtmf = dtmfIn(object);
    if (this.#format === undefined) this.#begin(dtmf === undefined ? object : {});
    else if (dtmf === undefined) this.#other(object);
    if (dtmf === undefined) return;
    const digits = digitsIn(dtmf.digit);
    if (digits === undefined) this.#said.warn('a dtmf event without a digit');
    else for (const digit of digits) this.#sink.digit(dtmf.leg ?? this.#own, digit);
  }

  /** Metadata is first or never: a rate that comes later is too late. */
  #other(object: JsonObject): void {
    const rate = textIn(object, ...RATE_NAMES);
    if (rate !== undefined && rateOf(rate) !== this.#format?.sampleRate) {
      this.#said.warn('metadata that came after audio is ignored, and its rate is another: name it in the query');
    }
  }

  #begin(metadata: JsonObject): StreamFormat {
    const { query } = this.#request;
    const queried = (names: readonly string[]): string | undefined => names.map((name) => query[name]).find(Boolean);
    const rate = textIn(metadata, ...RATE_NAMES);
    const sampleRate = rateOf(rate ?? queried(RATE_NAMES) ?? String(DEFAULT_RATE));
    const mix = (textIn(metadata, ...MIX_NAMES) ?? queried(MIX_NAMES) ?? 'mono').toLowerCase();
    if (!MIXES.has(mix)) throw new AppError('STREAM_INVALID', 'mixType: mono, mixed or stereo');
    const format: StreamFormat = { encoding: 'l16le', sampleRate, channels: mix === 'stereo' ? 2 : 1 };
    this.#format = format;
    this.#sink.begin({ ...aboutOf(metadata), format, ...(mix === 'stereo' ? { tracks: ['a', 'b'] } : {}) });
    return format;
  }

  /** Only whole samples go on, a message's in one piece: what came together was not said one after the other. A part of one waits. */
  #samples(message: Uint8Array, width: number): void {
    if (this.#restLength === 0) {
      this.#whole(message, width);
      return;
    }
    const joined = new Uint8Array(this.#restLength + message.length);
    joined.set(this.#rest.subarray(0, this.#restLength));
    joined.set(message, this.#restLength);
    this.#forget();
    try {
      this.#whole(joined, width);
    } finally {
      joined.fill(0);
    }
  }

  #whole(bytes: Uint8Array, width: number): void {
    const end = bytes.length - (bytes.length % width);
    this.#rest.set(bytes.subarray(end));
    this.#restLength = bytes.length - end;
    if (end > 0) this.#sink.audio('both', bytes.subarray(0, end));
  }

  /** Who is on the channel: whoever the one channel of audio is, or the first of two. */
  get #own(): StreamTrack {
    return this.#format?.channels === 2 ? 'a' : 'both';
  }

  #end(reason: string): void {
    if (this.#said.hasEnded) return;
    if (this.#restLength > 0) this.#said.warn('the last sample was not whole');
    this.#forget();
    this.#said.end(reason);
  }

  #forget(): void {
    this.#rest.fill(0);
    this.#restLength = 0;
  }
}

/** `16000`, `"16000"`, or `16k` as the modules' own commands write it. */
const rateOf = (text: string): number => {
  const [, digits, thousand] = /^(\d{1,6})(k?)$/i.exec(text) ?? [];
  const rate = Number(digits) * (thousand === '' ? 1 : 1000);
  if (rate >= RATES.lowest && rate <= RATES.highest) return rate;
  throw new AppError('STREAM_INVALID', `sample rate: a number of Hz from ${RATES.lowest} to ${RATES.highest}`);
};

/** jambonz' names, and what people put there who start the module themselves. All of it is the customer's to use as parameters. */
const aboutOf = (metadata: JsonObject): Omit<StreamAbout, 'format' | 'tracks'> => {
  const callId = textIn(metadata, 'callSid', 'call_sid', 'callId', 'call_id', 'callid', 'uuid');
  const from = textIn(metadata, 'from');
  const to = textIn(metadata, 'to');
  const direction = textIn(metadata, 'direction');
  return {
    ...(callId === undefined ? {} : { callId }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(direction === 'inbound' || direction === 'outbound' ? { direction } : {}),
    parameters: metadata,
  };
};

type Dtmf = { readonly digit: string | undefined; readonly leg: Leg | undefined };

/**
 * jambonz' `{"event":"dtmf","dtmf":"2","duration":"1600"}`, the same with `digit`, or within `dtmf` or `data`; FreeSWITCH's event as JSON,
 * `{"Event-Name":"DTMF","DTMF-Digit":"2",…}`. Whose key it was, none of them says: who is on the channel, unless `leg` does.
 */
const dtmfIn = (object: JsonObject): Dtmf | undefined => {
  const name = textIn(object, 'event', 'type', 'Event-Name')?.toLowerCase();
  if (name !== 'dtmf') return undefined;
  const inner = isObject(object.dtmf) ? object.dtmf : isObject(object.data) ? object.data : object;
  const leg = object.leg === 'a' || object.leg === 'b' ? object.leg : undefined;
  return { digit: textIn(inner, 'dtmf', 'digit', 'DTMF-Digit'), leg };
};
