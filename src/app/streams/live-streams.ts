/**
 * Media servers' streams: whose each is, which call it joins or makes, which run. A UUID that was announced for a kind is its bearer's
 * key to one leg of one call; any other stream needs a key or token of the account.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { AppError, asAppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { Leg } from '../../core/leg.ts';
import type { AllowList } from '../../deliver/allow-list.ts';
import { announcementOf } from '../../http/announcement.ts';
import type { AuditService } from '../../http/audit.ts';
import type { Principal } from '../../http/service.ts';
import type {
  StreamConnection,
  StreamDocument,
  StreamOpening,
  StreamPeer,
  StreamsService,
  StreamTicketDocument,
  StreamTicketRequest,
} from '../../http/stream-service.ts';
import { STREAM_KINDS } from '../../ingest/streams/stream-kinds.ts';
import type { StreamClaims } from '../../ingest/streams/stream-parameters.ts';
import type { EventSink } from '../event-sink.ts';
import type { AnnouncedCall } from '../live/announced-call.ts';
import { type Every, everyInterval } from '../live/call-ticker.ts';
import { StreamCalls, type StreamedCalls } from './stream-calls.ts';
import { type Joined, type SessionDesk, StreamSession } from './stream-session.ts';

/** Who has not said who it is by then is not waited for. */
const STRANGERS_US = 10_000_000;
const LOOK_MS = 500;
const MOST_TICKETS = 100_000;

/** Of a stream that has no call; one that has is its call's (`CallEventType`). */
export type StreamEventType = 'stream.refused';

type Ticket = { readonly principal: Principal; readonly call: AnnouncedCall; readonly leg: Leg | undefined };

export type LiveStreamsOptions = {
  readonly calls: StreamedCalls;
  readonly principalOf: (tokenOrKey: string) => Promise<Principal | undefined>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly allow: AllowList;
  readonly events: EventSink;
  readonly audit: Pick<AuditService, 'note' | 'refused'>;
  /** Where a kind that has a port of its own listens; undefined: it is turned off, or has none. */
  readonly addressOf: (kind: string) => { readonly host: string; readonly port: number } | undefined;
  readonly warn: (fields: object, message: string) => void;
  readonly onDefect: (error: AppError) => void;
  readonly every?: Every;
};

export class LiveStreams implements StreamsService {
  readonly #options: LiveStreamsOptions;
  readonly #sessions = new Set<StreamSession>();
  readonly #tickets = new Map<string, Ticket>();
  readonly #calls: StreamCalls;
  readonly #desk: SessionDesk;
  readonly #endLook: () => void;
  #isClosed = false;
  #opened = 0;
  #refused = 0;

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
    const { clock, random, warn } = options;
    this.#desk = {
      nowUs: () => clock.now(),
      sleep: (ms) => clock.sleep(ms),
      newId: () => Buffer.from(random(16)).toString('hex'),
      newSsrc: () => Buffer.from(random(4)).readUInt32BE(),
      join: (session, claims) => this.#join(session, claims),
      opened: (session) => this.#opens(session),
      orphaned: (call) => this.#calls.left(call, true),
      over: (session, reason, error, lingers) => this.#over(session, reason, error, lingers),
      warn: (kind, message) => warn({ kind }, message),
      defect: (error) => options.onDefect(asAppError(error)),
    };
    this.#calls = new StreamCalls({ ...options, newId: this.#desk.newId });
    this.#endLook = (options.every ?? everyInterval)(LOOK_MS, () => this.#look());
  }

  /** For `/metrics`. */
  get counts(): { readonly open: number; readonly opened: number; readonly refused: number } {
    return { open: this.#sessions.size, opened: this.#opened, refused: this.#refused };
  }

  /** @param elsewhereUs another thread reads it, which has opened it then */
  open(opening: StreamOpening, peer: StreamPeer, elsewhereUs?: number): StreamConnection {
    const session = new StreamSession(opening, peer, this.#desk, elsewhereUs);
    this.#sessions.add(session);
    if (this.#isClosed) session.callEnded('shutdown');
    return session;
  }

  async announce(principal: Principal, kind: string, request: StreamTicketRequest): Promise<StreamTicketDocument> {
    const known = STREAM_KINDS.get(kind);
    if (known === undefined) throw new AppError('NOT_FOUND', 'no such kind of stream', { details: [kind] });
    const address = this.#options.addressOf(kind);
    if (known.transport === 'tcp' && address === undefined)
      throw new AppError('CONFLICT', `streams of kind ${kind} are turned off here`);
    for (const [key, { call }] of this.#tickets) if (call.ended) this.#tickets.delete(key);
    const uuid = request.uuid?.toLowerCase() ?? randomUUID();
    if (this.#tickets.has(`${kind}/${uuid}`)) throw new AppError('CONFLICT', 'the UUID is in use by a call that runs');
    if (this.#tickets.size >= MOST_TICKETS) throw new AppError('CALLS_FULL', 'too many streams are announced');
    const call = await this.#calls.of(principal, request.call);
    this.#tickets.set(`${kind}/${uuid}`, { principal, call, leg: request.leg });
    return {
      ...{ uuid, kind, call_id: call.callId, leg: request.leg ?? null },
      ...(address ?? { url: `/v2/accounts/${principal.accountId}/streams/${kind}?uuid=${uuid}` }),
    };
  }

  async list(accountId: string): Promise<readonly StreamDocument[]> {
    return [...this.#sessions].filter(({ call }) => call?.accountId === accountId).map(({ document }) => document);
  }

  async principalOfTicket(kind: string, uuid: string): Promise<Principal | undefined> {
    return this.#ticket(kind, uuid)?.principal;
  }

  /** Takes no more; those that run end with their calls, the others now. */
  close(): void {
    this.#isClosed = true;
    this.#endLook();
    for (const session of this.#sessions) if (session.call === undefined) session.callEnded('shutdown');
  }

  #ticket(kind: string, uuid: string): Ticket | undefined {
    return this.#tickets.get(`${kind}/${uuid.toLowerCase()}`);
  }

  /** Who has not said who it is by now is sent away; calls whose streams have not come back are hung up. */
  #look(): void {
    const nowUs = this.#options.clock.now();
    for (const session of this.#sessions) {
      if (session.principal === undefined && !session.hasBegun && nowUs - session.openedUs >= STRANGERS_US)
        session.fail(new AppError('UNAUTHENTICATED', 'nothing that says whose stream it is'));
    }
    this.#calls.look(nowUs);
  }

  async #join(session: StreamSession, claims: StreamClaims): Promise<Joined> {
    const { kind, request, accountId } = session.opening;
    const uuid = request.query.uuid ?? session.about?.parameters.uuid;
    const ticket = typeof uuid === 'string' ? this.#ticket(kind.name, uuid) : undefined;
    if (ticket !== undefined) {
      session.principal ??= ticket.principal;
      if (ticket.principal.accountId !== session.principal.accountId)
        throw new AppError('FORBIDDEN', 'another account');
      if (ticket.call.ended) throw new AppError('CONFLICT', 'the call has ended');
      return { call: ticket.call, leg: ticket.leg };
    }
    const principal = session.principal ?? (await this.#principalOf(claims.token));
    if (principal === undefined) {
      this.#options.audit.refused(accountId);
      throw new AppError('UNAUTHENTICATED', 'no key, token or announced UUID, or none that is valid');
    }
    session.principal = principal;
    if (accountId !== undefined && accountId !== principal.accountId)
      throw new AppError('FORBIDDEN', 'another account');
    const { callId, from, to, direction, caller, callee, recordCall } = claims;
    const announcement = announcementOf(
      {
        ...(callId === undefined ? {} : { call_id: callId }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(direction === undefined ? {} : { direction }),
        ...(caller === undefined ? {} : { caller }),
        ...(callee === undefined ? {} : { callee }),
        media: { kind: 'stream' },
        ...(recordCall === undefined ? {} : { record_call: recordCall }),
      },
      this.#options.allow,
    );
    return { call: await this.#calls.of(principal, announcement), leg: undefined };
  }

  async #principalOf(token: string | undefined): Promise<Principal | undefined> {
    return token === undefined ? undefined : this.#options.principalOf(token);
  }

  #opens(session: StreamSession): void {
    this.#opened++;
    const { call, about, opening, legs, principal } = session;
    if (call === undefined || principal === undefined) return;
    const kind = opening.kind.name;
    const id = about?.streamId === undefined ? {} : { stream_id: about.streamId.slice(0, 128) };
    call.events.publish('stream.opened', { kind, legs, ...id });
    this.#options.audit.note({
      ...{ accountId: call.accountId, by: { kind: 'api', by: principal.keyId } },
      ...{ action: 'stream.open', subject: `call/${call.callId}`, data: { kind, legs } },
    });
    this.#calls.joined(call);
  }

  #over(session: StreamSession, reason: string, error: AppError | undefined, lingers: boolean): void {
    this.#sessions.delete(session);
    const { call, opening, principal } = session;
    const kind = opening.kind.name;
    const accountId = call?.accountId ?? principal?.accountId;
    if (call === undefined || !session.wasOpened) {
      if (call !== undefined) this.#calls.left(call, true);
      if (error === undefined) return;
      this.#refused++;
      this.#options.warn({ kind, code: error.code, remote: opening.remote }, 'a stream was refused');
      if (accountId !== undefined) this.#tellRefused(accountId, kind, error.code);
      return;
    }
    call.events.publish('stream.closed', { kind, reason });
    this.#options.audit.note({
      ...{ accountId: call.accountId, by: { kind: 'stream', by: kind }, action: 'stream.close' },
      ...{ subject: `call/${call.callId}`, data: { reason } },
    });
    this.#calls.left(call, lingers);
  }

  #tellRefused(accountId: string, kind: string, code: string): void {
    try {
      this.#options.events.publish(accountId, 'stream.refused', { kind, code });
    } catch (error) {
      this.#options.onDefect(asAppError(error));
    }
  }
}
