/**
 * One connection of a media server, from its first word to its last: the dialect reads it, this joins it to its call and hands on what it
 * brings. Until it has joined, what comes waits here, in memory, bounded. Whatever goes wrong closes this stream and no other.
 *
 *     transport ─▶ dialect ─▶ begin ─▶ joining ─▶ open: audio ─▶ LegFeed ×1–2 ─▶ AnnouncedCall
 *                                                       digits, masks ─────────────▲          end, close, error ─▶ over
 */
import { AppError, asAppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import type { Principal } from '../../http/service.ts';
import type {
  StreamConnection,
  StreamDocument,
  StreamOpening,
  StreamPeer,
  StreamSummary,
} from '../../http/stream-service.ts';
import { FlowLimit } from '../../ingest/streams/flow-limit.ts';
import type {
  StreamAbout,
  StreamDialect,
  StreamFarewell,
  StreamFormat,
  StreamPlace,
  StreamSink,
  StreamTrack,
} from '../../ingest/streams/stream-dialect.ts';
import { claimsOf, type StreamClaims } from '../../ingest/streams/stream-parameters.ts';
import type { AnnouncedCall } from '../live/announced-call.ts';
import type { LegSource } from '../live/announced-leg.ts';
import { StreamLegs } from './stream-legs.ts';

/** Messages: 200 a second is a busy stream; a path that stood still brings minutes at once. */
const MESSAGES = { perSecond: 1000, burst: 6000 };
const BYTES = { perSecond: 2 ** 20, burst: 16 * 2 ** 20 };
/** What waits for a call to be joined. */
const MOST_WAITING_BYTES = 2 ** 21;
const PAUSE_WAITING_BYTES = 2 ** 19;
/** How long a stream that brings more than it may is not read, at least and at once. */
const PAUSE_MS = { least: 100, most: 1000 };
/** A connection that has not been heard of for so long makes room for another. */
const STALE_US = 10_000_000;
/** Reasons of a peer's to end a stream that are none to end its call. */
const COMES_BACK: ReadonlySet<string> = new Set(['reconnect', 'error']);
const DONE = 1000;
const POLICY = 1008;

/** What a session asks of whoever keeps them all. */
export type SessionDesk = {
  readonly nowUs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly newId: () => string;
  readonly newSsrc: () => number;
  /** Finds or makes the stream's call. @throws AppError why it may not join */
  readonly join: (session: StreamSession, claims: StreamClaims) => Promise<Joined>;
  readonly opened: (session: StreamSession) => void;
  /** The stream was gone before its call was there. */
  readonly orphaned: (call: AnnouncedCall) => void;
  /** @param error none: it ended. @param lingers it may come back */
  readonly over: (session: StreamSession, reason: string, error: AppError | undefined, lingers: boolean) => void;
  readonly warn: (kind: string, message: string) => void;
  readonly defect: (error: unknown) => void;
};

export type Joined = { readonly call: AnnouncedCall; readonly leg: Leg | undefined };

export class StreamSession implements StreamConnection, StreamSink, LegSource {
  readonly opening: StreamOpening;
  readonly id: string;
  readonly openedUs: number;
  readonly isReadElsewhere: boolean;
  readonly over: Promise<StreamSummary>;
  call: AnnouncedCall | undefined;
  /** Whether it was ever let in. */
  wasOpened = false;
  about: StreamAbout | undefined;
  principal: Principal | undefined;
  readonly #desk: SessionDesk;
  readonly #peer: StreamPeer;
  readonly #dialect: StreamDialect;
  readonly #messages = new FlowLimit(MESSAGES);
  readonly #bytes = new FlowLimit(BYTES);
  #legs: StreamLegs | undefined;
  #state: 'new' | 'joining' | 'open' | 'over' = 'new';
  #format: StreamFormat | undefined;
  #nowUs: number;
  #heardUs: number;
  #isClean = true;
  #waiting: (() => void)[] = [];
  /** The audio in it: a stream that is over before it has joined leaves none. */
  #copies: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Brought beyond what it may, and not made up for. */
  #owedBytes = 0;
  #settle!: { resolve(summary: StreamSummary): void; reject(error: AppError): void };

  /** @param elsewhereUs another thread reads it, which has opened it then */
  constructor(opening: StreamOpening, peer: StreamPeer, desk: SessionDesk, elsewhereUs?: number) {
    this.opening = opening;
    this.principal = opening.principal;
    this.#peer = peer;
    this.#desk = desk;
    this.id = desk.newId();
    this.isReadElsewhere = elsewhereUs !== undefined;
    this.openedUs = elsewhereUs ?? desk.nowUs();
    this.#nowUs = this.openedUs;
    this.#heardUs = this.openedUs;
    this.over = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Most transports have nobody who waits for it.
    this.over.catch(() => {});
    this.#dialect = opening.kind.open(opening.request, this);
  }

  get sendsNoSilence(): boolean {
    return this.#legs !== undefined && this.#legs.audioBytes > 0 && !this.#legs.hasTimes;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  get hasBegun(): boolean {
    return this.about !== undefined;
  }

  get legs(): readonly Leg[] {
    return this.#legs?.all ?? [];
  }

  get document(): StreamDocument {
    return {
      id: this.id,
      kind: this.opening.kind.name,
      call_id: this.call?.callId ?? '',
      legs: this.legs,
      stream_id: this.about?.streamId ?? null,
      opened_at: new Date(this.openedUs / 1000).toISOString(),
      bytes: this.#legs?.audioBytes ?? 0,
    };
  }

  // From the transport.

  text(message: Uint8Array, atUs = this.#desk.nowUs()): void {
    this.#feed(message.length, atUs, () => {
      if (this.#dialect.text === undefined) throw new AppError('STREAM_INVALID', 'text, where there is none');
      this.#dialect.text(asText(message));
    });
    // Audio in words is audio.
    message.fill(0);
  }

  binary(message: Uint8Array, atUs = this.#desk.nowUs()): void {
    this.#feed(message.length, atUs, () => {
      if (this.#dialect.binary === undefined) throw new AppError('STREAM_INVALID', 'binary, where there is none');
      this.#dialect.binary(message);
    });
    message.fill(0);
  }

  bytes(chunk: Uint8Array, atUs = this.#desk.nowUs()): void {
    if (!this.#bytes.take(chunk.length, atUs)) this.#makeUpFor(chunk.length);
    this.#feed(0, atUs, () => this.#dialect.bytes?.(chunk));
    chunk.fill(0);
  }

  heard(atUs = this.#desk.nowUs()): void {
    this.#heardUs = atUs;
  }

  closed(isClean: boolean, atUs = this.#desk.nowUs()): void {
    if (this.#state === 'over') return;
    this.#isClean = isClean;
    this.#nowUs = atUs;
    try {
      this.#dialect.closed();
      this.end('closed');
    } catch (error) {
      this.fail(asAppError(error));
    }
  }

  // From the dialect.

  begin(about: StreamAbout): void {
    if (this.#state !== 'new') throw new AppError('STREAM_INVALID', 'a second beginning');
    this.about = about;
    this.#format = about.format;
    const claims = claimsOf(this.opening.request.query, about);
    this.#state = 'joining';
    this.#join(claims).catch((error) => this.fail(asAppError(error)));
  }

  format(format: StreamFormat): void {
    this.#then(0, () => {
      this.#format = format;
      this.#legs?.format(format);
    });
  }

  audio(track: StreamTrack, bytes: Uint8Array, place?: StreamPlace): void {
    const atUs = this.#nowUs;
    if (this.opening.kind.transport !== 'websocket' && !this.#messages.take(1, atUs)) throw tooMany();
    if (this.#state === 'open') {
      this.#legs?.take(track, bytes, place, atUs);
      return;
    }
    // It came behind what has ended it.
    if (this.#state === 'over') {
      bytes.fill(0);
      return;
    }
    const copy = Uint8Array.from(bytes);
    bytes.fill(0);
    this.#copies.push(copy);
    this.#then(copy.length, () => this.#legs?.take(track, copy, place, atUs));
  }

  digit(track: StreamTrack, digit: string): void {
    const atUs = this.#nowUs;
    this.#then(1, () => {
      const legs = this.#legs;
      if (legs !== undefined) this.call?.digit(legs.of(track), digit, atUs, Math.min(atUs, legs.spokenUs));
    });
  }

  mask(isOn: boolean, atMs?: number): void {
    const atUs = this.#nowUs;
    this.#then(1, () => {
      const { call } = this;
      if (call === undefined) return;
      const saidUs = (atMs === undefined ? undefined : this.#legs?.clockOf(atMs)) ?? atUs;
      const fromUs = Math.max(call.head.announcedUs, Math.min(atUs, saidUs));
      call.serverMask(isOn, { kind: this.opening.kind.name, stream: this.id }, atUs, fromUs);
    });
  }

  gap(): void {
    // What its count leaves out is silence already; where it has no count, its silence is one of arrival.
  }

  send(message: string | Uint8Array): void {
    this.#peer.send(message);
  }

  end(reason: string): void {
    // However much waits: an end takes no room.
    if (this.#state === 'joining') this.#waiting.push(() => this.#finish(reason, { messages: [], code: DONE, reason }));
    else this.#finish(reason, { messages: [], code: DONE, reason });
  }

  warn(message: string): void {
    this.#desk.warn(this.opening.kind.name, message);
  }

  // From the call and the desk.

  isAlive(nowUs: number): boolean {
    return this.#state !== 'over' && nowUs - this.#heardUs < STALE_US;
  }

  displaced(): void {
    this.#finish('displaced', { messages: [], code: POLICY, reason: 'another connection has taken its place' });
  }

  callEnded(reason: 'hangup' | 'idle' | 'shutdown'): void {
    const farewell = this.#dialect.farewell();
    this.#finish(reason, reason === 'shutdown' ? farewell : { ...farewell, code: DONE, reason: 'the call has ended' });
  }

  /** Ends it with an error of the protocol's own. Idempotent. */
  fail(error: AppError): void {
    if (this.#state === 'over') return;
    const { code, message } = error;
    const farewell = this.#dialect.farewell({ code, message: error.fault === 'service' ? 'a defect' : message });
    this.#leave(error.code, error, true);
    this.#peer.close(farewell);
    this.#settle.reject(error);
    if (error.fault === 'service') this.#desk.defect(error);
  }

  #finish(reason: string, farewell: StreamFarewell): void {
    if (this.#state === 'over') return;
    this.#leave(reason, undefined, COMES_BACK.has(reason) || (reason === 'closed' && !this.#isClean));
    this.#peer.close(farewell);
    const { call_id, kind, bytes } = this.document;
    this.#settle.resolve({ call_id, kind, legs: this.legs, bytes, reason });
  }

  #leave(reason: string, error: AppError | undefined, lingers: boolean): void {
    this.#state = 'over';
    this.#waiting = [];
    this.#forgetCopies();
    if (!lingers && this.sendsNoSilence) this.call?.heardUntil(this.#nowUs);
    this.#legs?.release();
    this.#desk.over(this, reason, error, lingers);
  }

  #feed(bytes: number, atUs: number, work: () => void): void {
    if (this.#state === 'over') return;
    this.#nowUs = atUs;
    this.#heardUs = atUs;
    try {
      if (this.opening.kind.transport === 'websocket') {
        if (!this.#messages.take(1, this.#nowUs) || !this.#bytes.take(bytes, this.#nowUs)) throw tooMany();
      }
      work();
    } catch (error) {
      this.fail(asAppError(error));
    }
  }

  /** It is not read for as long as so much more may take; also for what was on its way here when it was to pause. */
  #makeUpFor(bytes: number): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes === bytes) this.#pause().catch(() => {});
  }

  async #pause(): Promise<void> {
    this.#peer.pause();
    while (this.#owedBytes > 0 && !this.isOver) {
      const ms = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, (this.#owedBytes / BYTES.perSecond) * 1000));
      await this.#desk.sleep(ms);
      this.#owedBytes = Math.max(0, this.#owedBytes - (ms / 1000) * BYTES.perSecond);
    }
    if (this.#state !== 'joining') this.#peer.resume();
  }

  async #join(claims: StreamClaims): Promise<void> {
    const { call, leg } = await this.#desk.join(this, claims);
    if (this.isOver) {
      this.#desk.orphaned(call);
      return;
    }
    this.call = call;
    this.#legs = new StreamLegs(
      {
        ...{ call, source: this, openedUs: this.openedUs, newSsrc: this.#desk.newSsrc },
        claimed: leg ?? claims.leg ?? (this.opening.kind.fillsLegs ? freeLeg(call) : undefined),
        ...{ tracks: this.about?.tracks ?? [], format: this.#format },
      },
      this.#nowUs,
    );
    this.#state = 'open';
    this.wasOpened = true;
    this.#peer.known();
    this.#desk.opened(this);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const work of waiting) if (!this.isOver) work();
    this.#forgetCopies();
    if (this.#owedBytes === 0) this.#peer.resume();
  }

  #forgetCopies(): void {
    for (const copy of this.#copies) copy.fill(0);
    this.#copies = [];
  }

  /** Does it when the call is joined, which it may be. */
  #then(bytes: number, work: () => void): void {
    if (this.#state === 'over') return;
    if (this.#state === 'open') {
      work();
      return;
    }
    if (this.#state === 'new') throw new AppError('STREAM_INVALID', 'something else before the beginning');
    this.#waitingBytes += bytes + 1;
    if (this.#waitingBytes > MOST_WAITING_BYTES) throw tooMany();
    // Not before: what is not read has no time of its arrival.
    if (this.#waitingBytes > PAUSE_WAITING_BYTES) this.#peer.pause();
    this.#waiting.push(work);
  }
}

const asText = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('utf8');

const freeLeg = ({ legs }: AnnouncedCall): Leg => (legs.a.source === undefined ? 'a' : 'b');

const tooMany = (): AppError => new AppError('RATE_LIMITED', 'more messages or bytes than speech has');
