/**
 * The calls that streams join: one that runs, or one that is made for them. What a stream has made ends with its last stream; one whose
 * connection broke has a while to come back.
 */
import type { Clock } from '../../core/clock.ts';
import { AppError, asAppError } from '../../core/errors.ts';
import { LEGS } from '../../core/leg.ts';
import type { AuditService } from '../../http/audit.ts';
import type { CallAnnouncement, Principal } from '../../http/service.ts';
import type { AnnouncedCall } from '../live/announced-call.ts';

const LINGER_US = 10_000_000;

/** The part of the live calls that streams need. */
export type StreamedCalls = {
  find(accountId: string, callId: string): AnnouncedCall | undefined;
  begin(accountId: string, announcement: CallAnnouncement): Promise<AnnouncedCall>;
};

export type StreamCallsOptions = {
  readonly calls: StreamedCalls;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly audit: Pick<AuditService, 'note'>;
  readonly onDefect: (error: AppError) => void;
};

export class StreamCalls {
  readonly #options: StreamCallsOptions;
  /** Calls that are being made, by account and id: two legs may come at once. */
  readonly #making = new Map<string, Promise<AnnouncedCall>>();
  readonly #made = new WeakSet<AnnouncedCall>();
  /** What streams have asked each call to record. */
  readonly #asked = new WeakMap<AnnouncedCall, Set<string>>();
  /** Calls without a stream, which may come back until then, µs. */
  readonly #lingering = new Map<AnnouncedCall, number>();

  constructor(options: StreamCallsOptions) {
    this.#options = options;
  }

  /** The call of that id that runs, or one that is made now. @throws CONFLICT where it has ended, or as `LiveCalls.announce` */
  async of(principal: Principal, wanted: Omit<CallAnnouncement, 'media'>): Promise<AnnouncedCall> {
    const { accountId } = principal;
    const { call_id: callId = this.#options.newId(), record_call: fields } = wanted;
    const key = `${accountId}/${callId}`;
    // Nothing is waited for where nobody makes it: whoever comes in between would make it once more.
    const underWay = this.#making.get(key);
    const found = this.#options.calls.find(accountId, callId) ?? (underWay === undefined ? undefined : await underWay);
    if (found?.ended) throw new AppError('CONFLICT', 'the call has ended');
    if (found !== undefined) {
      if (fields !== undefined && this.#asksAnew(found, fields)) found.recordByStream(fields);
      return found;
    }
    const making = this.#make(principal, { ...wanted, call_id: callId, media: { kind: 'stream' } });
    this.#making.set(key, making);
    try {
      return await making;
    } finally {
      this.#making.delete(key);
    }
  }

  /** A stream has joined: what streams have made is bridged by both legs being there. */
  joined(call: AnnouncedCall): void {
    this.#lingering.delete(call);
    if (this.#made.has(call) && LEGS.every((leg) => call.legs[leg].source !== undefined))
      call.bridge(this.#options.clock.now());
  }

  /** A stream has left. @param lingers it may come back */
  left(call: AnnouncedCall, lingers: boolean): void {
    if (!this.#made.has(call) || call.ended) return;
    if (lingers) this.#lingering.set(call, this.#options.clock.now() + LINGER_US);
    else this.#hangUpIfLeft(call);
  }

  /** Hangs up what no stream has come back to. */
  look(nowUs: number): void {
    for (const [call, untilUs] of this.#lingering) {
      if (nowUs < untilUs) continue;
      this.#lingering.delete(call);
      this.#hangUpIfLeft(call);
    }
  }

  async #make(principal: Principal, announcement: CallAnnouncement): Promise<AnnouncedCall> {
    const { accountId, keyId } = principal;
    const call = await this.#options.calls.begin(accountId, announcement);
    this.#made.add(call);
    if (announcement.record_call !== undefined) this.#asksAnew(call, announcement.record_call);
    // What a server forks has been answered.
    call.answer(this.#options.clock.now());
    this.#options.audit.note({
      ...{ accountId, by: { kind: 'api', by: keyId }, action: 'call.announce', subject: `call/${call.callId}` },
      data: { direction: call.head.direction, records: announcement.record_call !== undefined },
    });
    return call;
  }

  /** Both legs' streams of a call may ask for the same recording: it is one. */
  #asksAnew(call: AnnouncedCall, fields: object): boolean {
    const asked = this.#asked.get(call) ?? new Set<string>();
    this.#asked.set(call, asked);
    const text = JSON.stringify(fields);
    if (asked.has(text)) return false;
    asked.add(text);
    return true;
  }

  #hangUpIfLeft(call: AnnouncedCall): void {
    if (call.ended || LEGS.some((leg) => call.legs[leg].source !== undefined)) return;
    call.end('hangup', this.#options.clock.now()).catch((error) => this.#options.onDefect(asAppError(error)));
  }
}
