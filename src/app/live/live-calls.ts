/**
 * The calls that are being taken in: announced, heard, ended, forgotten (design §6.5). Reads as a call's life; what a call is made of
 * is in `announced-call.ts`. Nothing here waits for a disk but the answers to those who asked.
 */
import type { Clock } from '../../core/clock.ts';
import { AppError, asAppError, type ErrorCode } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import { LEGS } from '../../core/leg.ts';
import type { CallAnnouncement, CallDocument } from '../../http/service.ts';
import { RtpEndpoint } from '../../ingest/rtp/rtp-endpoint.ts';
import { journalsOf } from '../sealed-journals.ts';
import { AnnouncedCall } from './announced-call.ts';
import { callDocument } from './call-document.ts';
import { type LookUp, runnable } from './call-lookup.ts';
import { CallRegistry } from './call-registry.ts';
import type { CallSurroundings } from './call-surroundings.ts';
import { CallTicker, everyInterval, type Ticked } from './call-ticker.ts';
import { JointWatch } from './joint-watch.ts';
import { DEFAULT_LAG_BOUNDS } from './journal-lag.ts';
import { LegSockets } from './leg-sockets.ts';
import { LiveChannels } from './live-channels.ts';
import { LiveCounts, type LiveNumbers } from './live-counts.ts';
import type { LiveCallsOptions } from './live-options.ts';
import { LOOK_MS, LoopWatch, TCP_SETTLE } from './loop-watch.ts';
import { announceMediaAgain } from './media-again.ts';

/** A call that has ended is shown for so long. */
const SHOWN_FOR_US = 60_000_000;
/** What a call is refused with that would be taken at another time. */
const NO_ROOM: readonly ErrorCode[] = ['CALLS_FULL', 'DISK_LOW', 'PORTS_USED_UP'];

export class LiveCalls {
  readonly channels: LiveChannels;
  readonly #lookUp: LookUp;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #admit: () => AppError | undefined;
  readonly #surroundings: CallSurroundings;
  readonly #sockets: LegSockets;
  readonly #registry: CallRegistry<AnnouncedCall>;
  readonly #ticker: CallTicker;
  readonly #endWatch: () => void;
  readonly #counts = new LiveCounts();
  /** Calls whose journals are not all closed; an ended one may be shown no more. */
  readonly #unfinished = new Set<AnnouncedCall>();
  readonly #announcing = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: LiveCallsOptions) {
    const { clock, limits, receiver } = options;
    const onDefect = (error: unknown): void => options.onDefect(asAppError(error));
    this.#lookUp = options.lookUp;
    this.#clock = clock;
    this.#random = options.random;
    this.#admit = options.admit;
    this.#sockets = new LegSockets({
      ...options,
      bind: options.bind ?? ((to) => RtpEndpoint.bind({ ...to, receiver })),
    });
    this.#registry = new CallRegistry(limits);
    this.channels = new LiveChannels(this.#registry, clock);
    const every = options.every ?? everyInterval;
    const watch = new LoopWatch(clock.now(), TCP_SETTLE);
    this.#endWatch = every(LOOK_MS, () => watch.tick(clock.now()));
    this.#ticker = new CallTicker({ now: () => clock.now(), every, onDefect });
    this.#surroundings = {
      random: options.random,
      journals: options.journals,
      openJournal: options.openJournal ?? ((accountId) => journalsOf(undefined, accountId)),
      redactTones: options.redactTones ?? false,
      limits,
      lagBounds: options.lagBounds ?? DEFAULT_LAG_BOUNDS,
      events: options.events,
      audit: options.audit,
      recordings: options,
      admit: options.admit,
      calls: () => this.#registry.size,
      turn: () => receiver.caughtUp(),
      watch: new JointWatch(watch, options.elsewhere ?? new LoopWatch(Number.POSITIVE_INFINITY, TCP_SETTLE)),
      stamps: receiver.stamps,
      onDefect,
    };
  }

  /** As `CallsService.announce`, and so are the others; every method but the asynchronous ones answers at once. */
  async announce(accountId: string, announcement: CallAnnouncement): Promise<CallDocument> {
    return callDocument(await this.begin(accountId, announcement));
  }

  /** The same, for who joins it at once. @throws as `announce` */
  begin(accountId: string, announcement: CallAnnouncement): Promise<AnnouncedCall> {
    const announcing = this.#announce(accountId, announcement)
      .catch((error: unknown) => {
        if (NO_ROOM.includes(asAppError(error).code)) this.#counts.refused();
        throw error;
      })
      .finally(() => this.#announcing.delete(announcing));
    this.#announcing.add(announcing);
    return announcing;
  }

  /** One that runs, or has ended lately. */
  find(accountId: string, callId: string): AnnouncedCall | undefined {
    return this.#registry.find(accountId, callId);
  }

  /** Oldest first; ended ones for a minute. */
  list(accountId: string): readonly CallDocument[] {
    return this.#registry.ofAccount(accountId).map(callDocument);
  }

  get(accountId: string, callId: string): CallDocument {
    return callDocument(this.#registry.call(accountId, callId));
  }

  async answer(accountId: string, callId: string): Promise<CallDocument> {
    const call = this.#registry.call(accountId, callId);
    call.answer(this.#clock.now());
    return callDocument(call);
  }

  async bridge(accountId: string, callId: string): Promise<CallDocument> {
    const call = this.#registry.call(accountId, callId);
    call.bridge(this.#clock.now());
    return callDocument(call);
  }

  async announceMedia(accountId: string, callId: string, media: CallAnnouncement['media']): Promise<CallDocument> {
    const call = this.#registry.call(accountId, callId);
    announceMediaAgain(call, media);
    return callDocument(call);
  }

  /** Resolves when its recordings are durable and handed on. Idempotent while the call is shown. */
  async hangUp(accountId: string, callId: string): Promise<CallDocument> {
    const call = this.#registry.call(accountId, callId);
    await call.end('hangup', this.#clock.now());
    return callDocument(call);
  }

  /** Hangs up all calls of an account, such as one that is being removed. */
  async hangUpAll(accountId: string): Promise<void> {
    const nowUs = this.#clock.now();
    await Promise.all(this.#registry.ofAccount(accountId).map((call) => call.end('hangup', nowUs)));
  }

  /** For `/metrics`; totals never fall. */
  numbers(): LiveNumbers {
    return this.#counts.numbers(this.#clock.now());
  }

  /** Takes no more calls, and ends those there are. Resolves when every journal is durable and handed on. Idempotent. */
  async end(reason: 'shutdown'): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#announcing);
    const nowUs = this.#clock.now();
    await Promise.all([...this.#unfinished].map((call) => call.end(reason, nowUs)));
    this.#ticker.close();
    this.#endWatch();
  }

  async #announce(accountId: string, announcement: CallAnnouncement): Promise<AnnouncedCall> {
    this.#mayBegin();
    const callId = announcement.call_id ?? Buffer.from(this.#random(16)).toString('hex');
    const place = this.#registry.reserve(accountId, callId);
    try {
      const lookedUp = runnable(await this.#lookUp(accountId, announcement));
      const { direction = 'inbound', from, to } = announcement;
      const { a, b } = lookedUp.parties;
      const announcedUs = this.#clock.now();
      const head = { accountId, callId, direction, from: from ?? a.number, to: to ?? b.number, announcedUs };
      const call = new AnnouncedCall(head, lookedUp, this.#surroundings, () => {
        place.free();
        this.#unfinished.delete(call);
        this.#counts.ended(call);
      });
      try {
        for (const leg of announcement.media.kind === 'rtp' ? LEGS : [])
          call.legs[leg].open(await this.#sockets.open(leg, announcement.media, call.legs[leg]));
        this.#mayBegin();
      } catch (error) {
        await Promise.allSettled(LEGS.map((leg) => call.legs[leg].close()));
        await call.call.end();
        throw error;
      }
      this.#begin(call);
      return call;
    } catch (error) {
      place.free();
      throw error;
    }
  }

  #begin(call: AnnouncedCall): void {
    this.#registry.add(call);
    this.#unfinished.add(call);
    this.#counts.began(call);
    const ticked: Ticked = {
      tick: (nowUs) => {
        if (call.endedUs === undefined) {
          if (!call.tick(nowUs)) call.end('idle', nowUs).catch(this.#surroundings.onDefect);
        } else if (nowUs - call.endedUs >= SHOWN_FOR_US) {
          this.#registry.forget(call);
          this.#ticker.remove(ticked);
        }
      },
    };
    this.#ticker.add(ticked);
    call.events.publish('call.announced', { direction: call.head.direction });
  }

  #mayBegin(): void {
    const refused = this.#closed ? new AppError('CALLS_FULL', 'the service is shutting down') : this.#admit();
    if (refused !== undefined) throw refused;
  }
}
