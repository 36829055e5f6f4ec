/**
 * Genesys Cloud's AudioHook, version 2, from the server's side. `open` is answered with the media that is taken; then binary messages of
 * interleaved samples, and messages about them. What the client pauses or leaves out is a mask over just that span, so that the timeline
 * stays true and the manifest tells of it. A connection probe (the null UUID as conversation) is answered and leaves nothing.
 */
import { type AudiohookMedia, chosenMedia } from './audiohook-media.ts';
import {
  type AudiohookMessage,
  audiohookMessage,
  durationMs,
  invalid,
  isUuid,
  NULL_UUID,
} from './audiohook-message.ts';
import { AudiohookSession } from './audiohook-session.ts';
import { AudiohookTimeline } from './audiohook-timeline.ts';
import { digitsIn } from './dtmf-text.ts';
import { closing } from './farewell.ts';
import { isObject, textIn } from './json-message.ts';
import { aboutOf, parametersIn } from './media-about.ts';
import { SaidOnce } from './said-once.ts';
import type { StreamDialect, StreamFarewell, StreamKind, StreamRequest, StreamSink } from './stream-dialect.ts';

type Open = { readonly media: AudiohookMedia; readonly timeline: AudiohookTimeline; readonly isProbe: boolean };

/** What a client says when it closes → how the stream ended. */
const ENDS: ReadonlyMap<unknown, string> = new Map([
  ['end', 'hangup'],
  ['disconnect', 'stop'],
  ['reconnect', 'reconnect'],
  ['error', 'error'],
]);
/** Seconds of both channels at the highest rate; the client sends a part of one. */
const MOST_BYTES = 131_072;
/** How far the client's own position may be from what it has sent: it may count what still lies in its buffer. */
const MOST_APART_MS = 5000;

class AudiohookDialect implements StreamDialect {
  readonly #request: StreamRequest;
  readonly #sink: StreamSink;
  readonly #session: AudiohookSession;
  #open: Open | undefined;
  #isPaused = false;
  readonly #said: SaidOnce;

  constructor(request: StreamRequest, sink: StreamSink) {
    this.#request = request;
    this.#sink = sink;
    this.#said = new SaidOnce(sink);
    this.#session = new AudiohookSession(request.headers['audiohook-session-id']);
  }

  text(text: string): void {
    if (this.#said.hasEnded) return;
    const message = audiohookMessage(text);
    this.#session.check(message);
    switch (message.type) {
      case 'open':
        this.#opens(message);
        break;
      case 'close':
        this.#closes(message);
        break;
      case 'ping':
        this.#send('pong', {});
        break;
      case 'error':
        this.#said.warn('audiohook: the client tells of an error of its own');
        break;
      default:
        this.#inSession(message);
        break;
    }
  }

  binary(bytes: Uint8Array): void {
    if (this.#said.hasEnded) return;
    const { timeline, media, isProbe } = this.#opened();
    if (bytes.length % timeline.frameBytes !== 0) throw invalid('a part of a sample of all channels');
    if (bytes.length > MOST_BYTES) throw invalid(`${bytes.length} bytes at once`);
    if (bytes.length === 0) return;
    if (isProbe || this.#isPaused) {
      // Fail closed: a client that has said it pauses sends what nobody may keep.
      bytes.fill(0);
      this.#said.warn('audiohook: audio in a pause or a probe is not taken');
      return;
    }
    const atMs = timeline.audio(bytes.length);
    this.#sink.audio(media.tracks.length === 2 ? 'both' : media.tracks[0]!, bytes, { atMs });
  }

  closed(): void {
    this.#said.end('closed');
  }

  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    if (this.#said.hasEnded || !this.#session.hasBegun) return closing(error);
    const isUnknown = error?.code === 'UNAUTHENTICATED' || error?.code === 'FORBIDDEN';
    const reason = error === undefined ? 'completed' : isUnknown ? 'unauthorized' : 'error';
    return closing(error, [
      this.#session.message('disconnect', { reason, ...(error === undefined ? {} : { info: error.code }) }),
    ]);
  }

  #opens({ id, positionMs, parameters }: AudiohookMessage): void {
    if (this.#open !== undefined) throw invalid('a second open');
    const { organizationId, conversationId, participant, customConfig } = parameters;
    if (!isUuid(organizationId) || !isUuid(conversationId)) throw invalid('open without organization and conversation');
    const announced = this.#request.headers['audiohook-organization-id'];
    if (announced !== undefined && announced.toLowerCase() !== organizationId.toLowerCase()) {
      throw invalid('another organization than the request named');
    }
    const media = chosenMedia(parameters.media);
    const isProbe = conversationId === NULL_UUID;
    this.#open = { media, timeline: new AudiohookTimeline(positionMs, media), isProbe };
    const party = isObject(participant) ? participant : {};
    if (!isProbe)
      this.#sink.begin(
        aboutOf({
          streamId: id,
          callId: conversationId,
          from: textIn(party, 'ani'),
          to: textIn(party, 'dnis'),
          tracks: media.tracks,
          format: media.format,
          parameters: parametersIn('audiohook', customConfig),
        }),
      );
    this.#send('opened', { media: [media.offered], startPaused: false });
  }

  #inSession(message: AudiohookMessage): void {
    const { timeline, isProbe } = this.#opened();
    if (Math.abs(timeline.at(message.positionMs) - timeline.nowMs) > MOST_APART_MS && !this.#isPaused) {
      this.#said.warn("audiohook: the client's position is not where its audio is");
    }
    switch (message.type) {
      case 'update':
        this.#send('updated', {});
        break;
      case 'paused':
        if (!isProbe) this.#pauses(message.positionMs);
        break;
      case 'resumed':
      case 'discarded':
        if (!isProbe) this.#leavesOut(message);
        break;
      case 'dtmf':
        if (!isProbe) this.#digits(message);
        break;
      default:
        this.#said.warn('audiohook: messages of an unknown type are left out');
        break;
    }
  }

  /** From the earlier of what it says and what it has sent. */
  #pauses(positionMs: number): void {
    if (this.#isPaused) return;
    const { timeline } = this.#opened();
    this.#isPaused = true;
    this.#sink.mask(true, Math.min(timeline.nowMs, timeline.at(positionMs)));
  }

  #leavesOut({ type, parameters }: AudiohookMessage): void {
    const { timeline } = this.#opened();
    const clientStartMs = durationMs(parameters.start);
    const discardedMs = durationMs(parameters.discarded);
    if (clientStartMs === undefined || discardedMs === undefined) throw invalid(`${type} without start and discarded`);
    const { startMs, durationMs: lengthMs } = timeline.leaveOut(clientStartMs, discardedMs);
    const ends = type === 'resumed' && this.#isPaused;
    if (lengthMs > 0) {
      if (!this.#isPaused) this.#sink.mask(true, startMs);
      this.#sink.gap(lengthMs, startMs);
    }
    if (ends || (lengthMs > 0 && !this.#isPaused)) this.#sink.mask(false, startMs + lengthMs);
    if (ends) this.#isPaused = false;
  }

  /** Keys are the external party's. */
  #digits({ parameters }: AudiohookMessage): void {
    const digits = digitsIn(textIn(parameters, 'digit'));
    if (digits === undefined) this.#said.warn('audiohook: a dtmf message without a digit');
    else for (const digit of digits) this.#sink.digit('a', digit);
  }

  #closes({ parameters }: AudiohookMessage): void {
    this.#send('closed', {});
    this.#said.end(this.#open?.isProbe ? 'probe' : (ENDS.get(parameters.reason) ?? 'stop'));
  }

  #opened(): Open {
    if (this.#open === undefined) throw invalid('something else before open');
    return this.#open;
  }

  #send(type: string, parameters: object): void {
    this.#sink.send(this.#session.message(type, parameters));
  }
}

export const audiohookKind: StreamKind = {
  name: 'audiohook',
  transport: 'websocket',
  open: (request, sink) => new AudiohookDialect(request, sink),
  connect:
    'AudioHook Monitor integration: connection URI `wss://HOST/v2/accounts/A/streams/audiohook`, API key and client secret as in `stream_keys.audiohook`',
};
