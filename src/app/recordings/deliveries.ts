/**
 * Deliveries until a 2xx, over restarts (design §6.6): the retry engine with a row in the store for each recording. Never removes an
 * artefact.
 */
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../core/errors.ts';
import type { DeliveryRow, RecordingRow } from '../../store/rows.ts';
import type { AgendaEntry } from '../sending/agenda.ts';
import type { CircuitState } from '../sending/circuit-breaker.ts';
import { PATIENCE_US } from '../sending/retry.ts';
import { Sending } from '../sending/sending.ts';
import type { LoadQuery, SendingCounts } from '../sending/sending-options.ts';
import { hostOf, targetOf } from '../sending/target-name.ts';
import { type DeliveryTryOptions, noteFailure, tryDelivery } from './delivery-try.ts';
import { inState, lastingError } from './recording-row.ts';
import { TurnsById } from './turns-by-id.ts';

const AT_ONCE = { perTarget: 4, total: 32 };
/** Deliveries that wait in memory; the others wait in the store. */
const MOST_WAITING = 50_000;
/** One target's share of that. */
const SHARE = 25;
/** A target that is down is asked again after 8 to 15 s at first, and every 5 min at least. */
const BREAKER = { failures: 5, firstMs: 15_000, ceilingMs: 300_000 };
/** Rows read between two breaths of the thread that takes in media. */
const BREATH = 50;

export type DeliveriesOptions = DeliveryTryOptions & {
  readonly atOnce?: { readonly perTarget: number; readonly total: number };
  readonly mostWaiting?: number;
};

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #sending: Sending;
  /** Of a recording's tries, and of what else is noted of its delivery: neither undoes the other's notes. */
  readonly #turns = new TurnsById();
  /** Asked for while they are tried: as they were when it was asked last. */
  readonly #asked = new Map<string, RecordingRow>();

  constructor(options: DeliveriesOptions) {
    const { clock, random, teller, atOnce = AT_ONCE, mostWaiting = MOST_WAITING } = options;
    this.#options = options;
    this.#sending = new Sending({
      ...{ clock, random, atOnce, mostWaiting, breaker: BREAKER },
      mostPerTarget: Math.max(2, Math.floor(mostWaiting / SHARE)),
      tryOnce: ({ accountId, id }, signal) => this.#turns.run(id, () => tryDelivery(accountId, id, signal, options)),
      load: (query) => this.#load(query),
      giveUp: (entry) => this.#turns.run(entry.id, () => this.#giveUp(entry)),
      onTarget: (change, { accountId, target }) => {
        const host = hostOf(target.slice(accountId.length + 1));
        teller.publish(accountId, change === 'down' ? 'delivery.target_down' : 'delivery.target_up', { host });
        teller.warn(`a target of deliveries is ${change}`, { accountId, host });
      },
      onDefect: (sentence, error) => teller.defect(`deliveries: ${sentence}`, error),
    });
  }

  get counts(): SendingCounts {
    return this.#sending.counts;
  }

  isBeingTried(id: string): boolean {
    return this.#sending.isBeingTried(id);
  }

  /** Of its target, and when a delivery that is due then may be tried at the earliest. */
  circuitOf({ accountId, url }: RecordingRow, dueUs: number): { readonly state: CircuitState; readonly tryUs: number } {
    const target = targetOf(accountId, url);
    return { state: this.#sending.circuitOf(target), tryUs: this.#sending.earliestUs(target, dueUs) };
  }

  /** Tries a recording's target now, and for 72 h from now: a first time, or anew. One that is being tried goes on. @throws STORE_FAILED */
  async begin(row: RecordingRow): Promise<void> {
    if (this.#sending.isBeingTried(row.id)) return;
    await this.#turns.run(row.id, async () => this.#sending.add(await this.#put(row)));
  }

  /**
   * The same because somebody asks for it: they may know that the target is up again. Where one is being tried, that may take long:
   * nobody waits for it, and what it comes to is followed by this, unless the target takes it.
   * @throws STORE_FAILED
   */
  async beginAgain(row: RecordingRow): Promise<void> {
    const { id } = row;
    if (!this.#sending.isBeingTried(id)) {
      await this.#turns.run(id, () => this.#again(row));
      return;
    }
    const isFirst = !this.#asked.has(id);
    this.#asked.set(id, row);
    if (!isFirst) return;
    const { turns, teller } = this.#options;
    this.#turns
      .run(id, () => turns.patiently(() => this.#follow(row)))
      .catch((error: unknown) => {
        this.#asked.delete(id);
        teller.defect(`recording ${id} could not be delivered again`, error);
      });
  }

  async #follow({ accountId, id }: RecordingRow): Promise<void> {
    const { store } = this.#options;
    const [row, delivery] = await Promise.all([store.recordings.get(accountId, id), store.deliveries.get(id)]);
    const asked = this.#asked.get(id);
    // Whoever asks once they have been told that it was delivered wants it twice.
    const isWanted = asked !== undefined && !(delivery?.state === 'done' && asked.state === 'delivering');
    if (row !== undefined && isWanted) await this.#again(row);
    this.#asked.delete(id);
  }

  /** The delivery first: a recording is never left "delivering" without one. */
  async #again(row: RecordingRow): Promise<void> {
    const entry = await this.#put(row);
    await this.#options.store.recordings.update(row.id, inState('delivering', lastingError(row)));
    this.#sending.add(entry);
    this.#sending.allowProbe(entry.target);
  }

  async #put(row: RecordingRow): Promise<AgendaEntry> {
    const nowUs = this.#options.clock.now();
    const delivery: DeliveryRow = {
      recordingId: row.id,
      accountId: row.accountId,
      target: targetOf(row.accountId, row.url),
      state: 'waiting',
      tries: 0,
      nextUs: nowUs,
      deadlineUs: nowUs + PATIENCE_US,
      lastStatus: null,
      lastError: null,
    };
    await this.#options.store.deliveries.put(delivery);
    return entryOf(delivery, delivery.target);
  }

  /** Takes up what waits in the store, as far as there is room. @throws STORE_FAILED */
  resume(): Promise<void> {
    return this.#sending.resume();
  }

  /** Ends its tries: the recording is being removed. */
  async cancel(id: string): Promise<void> {
    this.#asked.delete(id);
    await this.#sending.cancel(id);
    await this.#turns.idle(id);
    // What had its turn meanwhile.
    await this.#sending.cancel(id);
  }

  /** Begins no further try. Resolves when those in flight have ended. */
  async drain(): Promise<void> {
    await this.#sending.drain();
    await this.#turns.idle();
  }

  /** Ends the tries in flight: they are made again after the next start. Idempotent. */
  async close(): Promise<void> {
    await this.#sending.close();
    await this.#turns.idle();
  }

  async #load({ limit, except, isKnown }: LoadQuery): Promise<{ entries: AgendaEntry[]; isAll: boolean }> {
    const { store } = this.#options;
    const rows = await store.deliveries.due(Number.MAX_SAFE_INTEGER, limit, except);
    const entries: AgendaEntry[] = [];
    for (const [index, delivery] of rows.entries()) {
      if (index % BREATH === 0) await setImmediate();
      if (isKnown(delivery.recordingId)) continue;
      const row = await store.recordings.get(delivery.accountId, delivery.recordingId);
      if (row !== undefined) entries.push(entryOf(delivery, targetOf(row.accountId, row.url)));
    }
    return { entries, isAll: rows.length < limit };
  }

  async #giveUp({ accountId, id, target, deadlineUs }: AgendaEntry): Promise<void> {
    const { store, turns } = this.#options;
    await turns.patiently(async () => {
      const [row, delivery] = await Promise.all([store.recordings.get(accountId, id), store.deliveries.get(id)]);
      // Asked for again, it has more time.
      if (row === undefined || delivery?.state !== 'waiting' || delivery.deadlineUs > deadlineUs) return;
      const host = hostOf(target.slice(accountId.length + 1));
      const error = new AppError('TARGET_UNREACHABLE', delivery.lastError ?? `${host} has been down`);
      await noteFailure(row, delivery, error, this.#options);
    });
  }
}

const entryOf = ({ recordingId, accountId, nextUs, deadlineUs }: DeliveryRow, target: string): AgendaEntry => ({
  id: recordingId,
  accountId,
  target,
  dueUs: nextUs,
  deadlineUs,
});
