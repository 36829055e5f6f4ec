/**
 * What happened, for whoever listens: the last events of each account in memory, so that a listener that was away can go on where it
 * was. Nothing here is digits, audio or a secret; nothing is written. The run's number tells a listener that the service began anew.
 */
import type { EventsService, ServiceEvent } from '../http/service.ts';

/** Of each account; older ones are forgotten. */
const KEPT = 1000;

type Listener = (event: ServiceEvent) => void;
type AccountLog = { readonly events: ServiceEvent[]; readonly listeners: Set<Listener>; last: number };

export class EventLog implements EventsService {
  readonly #run: string;
  readonly #now: () => number;
  readonly #accounts = new Map<string, AccountLog>();
  readonly #followers: ((accountId: string, event: ServiceEvent) => void)[] = [];

  /** @param run different in every run of the service. @param now ms since the Unix epoch. */
  constructor(run: string, now: () => number) {
    this.#run = run;
    this.#now = now;
  }

  /** @param atMs when it happened; now unless said. */
  publish(accountId: string, type: string, data: Readonly<Record<string, unknown>>, atMs = this.#now()): void {
    const log = this.#of(accountId);
    const event: ServiceEvent = {
      id: `${this.#run}-${++log.last}`,
      type,
      at: new Date(atMs).toISOString(),
      data,
    };
    log.events.push(event);
    if (log.events.length > 2 * KEPT) log.events.splice(0, log.events.length - KEPT);
    for (const follower of this.#followers) follower(accountId, event);
    for (const listener of log.listeners) listener(event);
  }

  /** Tells it of every event of every account, before anybody else; it must not throw. */
  follow(follower: (accountId: string, event: ServiceEvent) => void): void {
    this.#followers.push(follower);
  }

  subscribe(accountId: string, lastId: string | undefined, listener: Listener): () => void {
    const log = this.#of(accountId);
    if (lastId !== undefined) for (const event of this.#since(log, lastId)) listener(event);
    log.listeners.add(listener);
    return () => void log.listeners.delete(listener);
  }

  /** @returns what came after `lastId`, or `resync`: something between it and the first that is kept is not known any more. */
  #since(log: AccountLog, lastId: string): readonly ServiceEvent[] {
    const [, run, digits] = /^(.*)-(\d{1,15})$/.exec(lastId) ?? [];
    const oldest = log.last - log.events.length;
    const last = Number(digits);
    if (run === this.#run && last >= oldest && last <= log.last) return log.events.slice(last - oldest);
    const resync: ServiceEvent = {
      id: `${this.#run}-${log.last}`,
      type: 'resync',
      at: new Date(this.#now()).toISOString(),
      data: { reason: 'events since the last one you saw are not kept: ask for what you need anew' },
    };
    return [resync];
  }

  #of(accountId: string): AccountLog {
    let log = this.#accounts.get(accountId);
    if (log === undefined) {
      log = { events: [], listeners: new Set(), last: 0 };
      this.#accounts.set(accountId, log);
    }
    return log;
  }
}
