/**
 * Deliveries until a 2xx, over restarts (design §6.6): each is a row in the store that says when it is tried next; memory holds the
 * agenda of those. So many tries at a time for each target and in all. Never removes an artefact.
 */
import { setImmediate } from 'node:timers/promises';
import type { DeliveryRow, RecordingRow } from '../../store/rows.ts';
import { type AgendaEntry, DeliveryAgenda } from './delivery-agenda.ts';
import { type DeliveryTryOptions, PATIENCE_US, tryDelivery } from './delivery-try.ts';
import { hostOf } from './recording-view.ts';

const AT_ONCE = { perTarget: 4, total: 32 };
/** Deliveries that wait in memory; the others wait in the store. */
const MOST_WAITING = 50_000;
/** Rows read between two breaths of the thread that takes in media. */
const BREATH = 50;

export type DeliveriesOptions = DeliveryTryOptions & {
  readonly atOnce?: { readonly perTarget: number; readonly total: number };
  readonly mostWaiting?: number;
};

type UnderWay = { readonly abort: AbortController; ended: Promise<void> };

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #agenda: DeliveryAgenda;
  readonly #mostWaiting: number;
  readonly #tries = new Map<string, UnderWay>();
  #alarm: AbortController | undefined;
  #overflowed = false;
  #stopped = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#agenda = new DeliveryAgenda(options.atOnce ?? AT_ONCE);
    this.#mostWaiting = options.mostWaiting ?? MOST_WAITING;
  }

  get waiting(): number {
    return this.#agenda.waiting;
  }

  get inFlight(): number {
    return this.#agenda.inFlight;
  }

  isBeingTried(id: string): boolean {
    return this.#agenda.isInFlight(id);
  }

  /** Tries a recording's target now, and for 72 h from now: a first time, or anew. One that is being tried goes on. @throws STORE_FAILED */
  async begin(row: RecordingRow): Promise<void> {
    if (this.#agenda.isInFlight(row.id)) return;
    const nowUs = this.#options.clock.now();
    const delivery: DeliveryRow = {
      recordingId: row.id,
      accountId: row.accountId,
      state: 'waiting',
      tries: 0,
      nextUs: nowUs,
      deadlineUs: nowUs + PATIENCE_US,
      lastStatus: null,
      lastError: null,
    };
    await this.#options.store.deliveries.put(delivery);
    this.#enter(row, delivery);
    this.#next();
  }

  /** Takes up what waits in the store, as far as there is room. @throws STORE_FAILED */
  async resume(): Promise<void> {
    const { store } = this.#options;
    const rows = await store.deliveries.due(Number.MAX_SAFE_INTEGER, this.#mostWaiting);
    this.#overflowed = rows.length >= this.#mostWaiting;
    for (const [index, delivery] of rows.entries()) {
      if (index % BREATH === 0) await setImmediate();
      if (this.#agenda.has(delivery.recordingId)) continue;
      const row = await store.recordings.get(delivery.accountId, delivery.recordingId);
      if (row !== undefined) this.#enter(row, delivery);
    }
    this.#next();
  }

  /** Ends its tries: the recording is being removed. */
  async cancel(id: string): Promise<void> {
    const underWay = this.#tries.get(id);
    underWay?.abort.abort();
    await underWay?.ended;
    this.#agenda.delete(id);
  }

  /** Begins no further try. Resolves when those in flight have ended. */
  async drain(): Promise<void> {
    this.#stopped = true;
    this.#alarm?.abort();
    await Promise.all([...this.#tries.values()].map(({ ended }) => ended));
  }

  /** Ends the tries in flight: they are made again after the next start. Idempotent. */
  async close(): Promise<void> {
    for (const { abort } of this.#tries.values()) abort.abort();
    await this.drain();
  }

  #enter({ id, accountId, url }: RecordingRow, { nextUs }: DeliveryRow): void {
    if (this.#agenda.waiting >= this.#mostWaiting) this.#overflowed = true;
    else this.#agenda.put({ id, accountId, host: hostOf(url), dueUs: nextUs });
  }

  /** Begins what is due and may begin; sets the alarm for what comes next. */
  #next(): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    for (let entry = this.#agenda.take(clock.now()); entry !== undefined; entry = this.#agenda.take(clock.now()))
      this.#begin(entry);
    if (this.#overflowed && this.#agenda.waiting < this.#mostWaiting / 2) {
      this.#overflowed = false;
      this.resume().catch((error: unknown) => {
        this.#overflowed = true;
        this.#options.teller.defect('deliveries that wait can not be read', error);
      });
    }
    this.#alarm?.abort();
    const nextUs = this.#agenda.nextDueUs;
    if (nextUs === Number.POSITIVE_INFINITY) return;
    const alarm = new AbortController();
    this.#alarm = alarm;
    clock.sleep(Math.max(0, (nextUs - clock.now()) / 1000), alarm.signal).then(
      () => this.#next(),
      () => {},
    );
  }

  #begin({ id, accountId, host }: AgendaEntry): void {
    const abort = new AbortController();
    const underWay: UnderWay = { abort, ended: Promise.resolve() };
    this.#tries.set(id, underWay);
    const tried = tryDelivery(accountId, id, abort.signal, this.#options).catch((error: unknown): undefined => {
      // Ended by us: its row still says that it waits.
      if (!abort.signal.aborted) this.#options.teller.defect('a delivery could not be tried', error);
    });
    underWay.ended = tried.then((againUs) => {
      this.#tries.delete(id);
      this.#agenda.done(id);
      if (againUs !== undefined && !abort.signal.aborted) this.#agenda.put({ id, accountId, host, dueUs: againUs });
      this.#next();
    });
  }
}
