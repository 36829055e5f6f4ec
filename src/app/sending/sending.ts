/**
 * The retry engine, of whatever is sent until it is taken: rows in a store say when each is tried next, memory holds the agenda of
 * those, and a circuit breaker per target keeps what is down from being hammered. So many tries at a time for each target and in all.
 */
import { Agenda, type AgendaEntry } from './agenda.ts';
import { Breakers } from './breakers.ts';
import type { CircuitState, Ticket } from './circuit-breaker.ts';
import { randomShare } from './retry.ts';
import type { SendingCounts, SendingOptions, Tried } from './sending-options.ts';
import { UnderWay } from './under-way.ts';

/** After a defect of ours. */
const AGAIN_US = 600e6;
/** What came back from a long absence has its chance although its time is over: not before its target has been down so long. */
const FAIR_US = 3600e6;

export class Sending {
  readonly #options: SendingOptions;
  readonly #agenda: Agenda;
  readonly #breakers: Breakers;
  readonly #tries = new UnderWay();
  /** Entered anew while they were being tried. */
  readonly #anew = new Map<string, AgendaEntry>();
  /** Targets of which more waits in the store. */
  readonly #full = new Set<string>();
  #alarm: AbortController | undefined;
  #isShort = false;
  #stopped = false;

  constructor(options: SendingOptions) {
    this.#options = options;
    this.#agenda = new Agenda(options.atOnce);
    this.#breakers = new Breakers(options.breaker);
  }

  get counts(): SendingCounts {
    const { waiting, inFlight } = this.#agenda;
    return { waiting, inFlight, targetsDown: this.#breakers.targetsDown };
  }

  isBeingTried(id: string): boolean {
    return this.#agenda.isInFlight(id);
  }

  circuitOf(target: string): CircuitState {
    return this.#breakers.stateAt(target, this.#options.clock.now());
  }

  /** When something due then may be tried at the earliest. */
  earliestUs(target: string, dueUs: number): number {
    return Math.max(dueUs, this.#breakers.openUntilUs(target));
  }

  /** What waits in its store already. What is being tried is tried anew after that. */
  add(...entries: readonly AgendaEntry[]): void {
    for (const entry of entries) this.#enter(entry);
    this.#next();
  }

  /** Somebody says that the target is up again. */
  allowProbe(target: string): void {
    this.#breakers.allowProbe(target, this.#options.clock.now());
    this.#next();
  }

  /** What was known of the target counts no more: it is another one now. */
  forgive(target: string): void {
    this.#breakers.forget(target);
    this.#next();
  }

  /** Takes up what waits in the store, as far as there is room. @throws STORE_FAILED */
  async resume(): Promise<void> {
    const isKnown = (id: string): boolean => this.#agenda.has(id);
    const limit = this.#options.mostWaiting;
    const { entries, isAll } = await this.#options.load({ limit, except: [...this.#full], isKnown });
    this.#isShort = !isAll;
    this.add(...entries.filter(({ id }) => !isKnown(id)));
  }

  /** Ends its tries, also one under way. */
  async cancel(id: string): Promise<void> {
    await this.#tries.end(id);
    this.#anew.delete(id);
    this.#agenda.delete(id);
  }

  /** The same of all that waits for a target, which is forgotten. */
  async cancelTarget(target: string): Promise<void> {
    for (const { id } of this.#agenda.waitingFor(target)) this.#agenda.delete(id);
    this.#breakers.forget(target);
    this.#full.delete(target);
    await Promise.all(this.#agenda.inFlightOf(target).map(({ id }) => this.cancel(id)));
  }

  /** Begins no further try. Resolves when those in flight have ended. */
  async drain(): Promise<void> {
    this.#stopped = true;
    this.#alarm?.abort();
    await this.#tries.idle();
  }

  /** Ends the tries in flight: they are made again after the next start. Idempotent. */
  async close(): Promise<void> {
    this.#tries.abortAll();
    await this.drain();
  }

  #enter(entry: AgendaEntry): void {
    const { mostWaiting, mostPerTarget } = this.#options;
    if (this.#agenda.isInFlight(entry.id)) this.#anew.set(entry.id, entry);
    else if (this.#agenda.has(entry.id)) this.#agenda.put(entry);
    else if (this.#agenda.countOf(entry.target) >= mostPerTarget) this.#full.add(entry.target);
    else if (this.#agenda.waiting >= mostWaiting) this.#isShort = true;
    else this.#agenda.put(entry);
  }

  /** Begins what is due and may begin; sets the alarm for what comes next. */
  #next(): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const take = (): AgendaEntry | undefined => {
      const nowUs = clock.now();
      return this.#agenda.take(nowUs, (target) => this.#breakers.mayBegin(target, nowUs));
    };
    for (let entry = take(); entry !== undefined; entry = take()) this.#begin(entry);
    this.#refill();
    this.#setAlarm();
  }

  #setAlarm(): void {
    const { clock } = this.#options;
    this.#alarm?.abort();
    const nowUs = clock.now();
    const opening = this.#agenda
      .readyTargets()
      .map((target) => this.#breakers.openUntilUs(target))
      // Those that may begin now wait for a try to end.
      .filter((untilUs) => untilUs > nowUs);
    const nextUs = opening.reduce((least, untilUs) => Math.min(least, untilUs), this.#agenda.nextDueUs);
    if (nextUs === Number.POSITIVE_INFINITY) return;
    const alarm = new AbortController();
    this.#alarm = alarm;
    clock.sleep(Math.max(0, (nextUs - nowUs) / 1000), alarm.signal).then(
      () => this.#next(),
      () => {},
    );
  }

  /** Takes up what had no room, once there is some. */
  #refill(): void {
    const { mostWaiting, mostPerTarget } = this.#options;
    const freed = [...this.#full].filter((target) => this.#agenda.countOf(target) <= mostPerTarget / 2);
    const isFree = this.#agenda.waiting <= mostWaiting / 2;
    if (freed.length === 0 && !(this.#isShort && isFree)) return;
    for (const target of freed) this.#full.delete(target);
    this.#isShort = false;
    this.resume().catch((error: unknown) => {
      for (const target of freed) this.#full.add(target);
      this.#isShort = true;
      this.#options.onDefect('what waits to be sent can not be read', error);
    });
  }

  #begin(entry: AgendaEntry): void {
    const ticket = this.#breakers.begin(entry.target);
    this.#tries.begin(entry.id, async (signal) => {
      const { againUs, ...seen } = await this.#try(entry, signal);
      this.#tries.done(entry.id);
      this.#agenda.done(entry.id);
      const next = this.#anew.get(entry.id) ?? (againUs === undefined ? undefined : { ...entry, dueUs: againUs });
      this.#anew.delete(entry.id);
      if (next !== undefined && !signal.aborted) this.#agenda.put(next);
      this.#judge(entry, ticket, seen);
      this.#next();
    });
  }

  async #try(entry: AgendaEntry, signal: AbortSignal): Promise<Tried> {
    try {
      return await this.#options.tryOnce(entry, signal);
    } catch (error) {
      // Ended by us: its row still says that it waits.
      if (signal.aborted) return { againUs: undefined, verdict: 'unknown' };
      this.#options.onDefect('something could not be sent', error);
      return { againUs: this.#options.clock.now() + AGAIN_US, verdict: 'unknown' };
    }
  }

  #judge(entry: AgendaEntry, ticket: Ticket, { verdict, retryAfterMs }: Omit<Tried, 'againUs'>): void {
    const { clock, random, onTarget } = this.#options;
    const nowUs = clock.now();
    const seen = { nowUs, share: randomShare(random), retryAfterMs };
    const change = this.#breakers.end(entry.target, ticket, verdict, seen);
    if (change !== undefined) onTarget(change, entry);
    const downSinceUs = this.#breakers.downSinceUs(entry.target);
    if (downSinceUs !== undefined) this.#giveUpOverdue(entry.target, downSinceUs, nowUs);
  }

  /** Nobody tries them while their target is down: that doesn't keep them beyond their time. */
  #giveUpOverdue(target: string, downSinceUs: number, nowUs: number): void {
    for (const entry of this.#agenda.waitingFor(target)) {
      const endUs = entry.deadlineUs < downSinceUs ? downSinceUs + FAIR_US : entry.deadlineUs;
      if (nowUs < endUs) continue;
      this.#agenda.delete(entry.id);
      this.#options
        .giveUp(entry)
        .catch((error: unknown) => this.#options.onDefect('something could not be given up', error));
    }
  }
}
