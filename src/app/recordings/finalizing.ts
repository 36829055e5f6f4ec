/**
 * Closed journals on their way to artefacts: so many at a time in the worker pool, account after account in turn, those first of which
 * little is left to do. What waits is in the store as `finalizing`; memory holds a bounded part of it. What becomes of one is in
 * `finalize-run.ts`.
 */
import { asAppError } from '../../core/errors.ts';
import { FairQueue } from './fair-queue.ts';
import { type FinalizeRunOptions, finalizeJournal, noteFailure } from './finalize-run.ts';
import type { JournalRows } from './journal-rows.ts';
import type { FoundJournal } from './journals.ts';

export type FinalizingOptions = FinalizeRunOptions & {
  readonly rows: JournalRows;
  /** Jobs given to the pool at once: as many as it has threads. */
  readonly atOnce: number;
  /** Whether it was finalized as far as it had come while it ran: such ones go first, and as many again beside the others. */
  readonly isFollowed: (id: string) => boolean;
  /** Journals that wait in memory at most; the others wait in the store. */
  readonly mostWaiting: number;
};

export class Finalizing {
  readonly #options: FinalizingOptions;
  readonly #waiting = new FairQueue<FoundJournal>();
  readonly #followed = new FairQueue<FoundJournal>();
  readonly #queued = new Set<string>();
  /** Share done of those that run. */
  readonly #running = new Map<string, number>();
  readonly #ends = new Map<string, (() => void)[]>();
  readonly #idle: (() => void)[] = [];
  #overflowed = false;
  #refilling = false;
  #stopped = false;

  constructor(options: FinalizingOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size + this.#followed.size;
  }

  get running(): number {
    return this.#running.size;
  }

  has(id: string): boolean {
    return this.#queued.has(id) || this.#running.has(id);
  }

  /** Share done, 0 to 1; undefined when it neither waits nor runs. */
  progressOf(id: string): number | undefined {
    return this.#running.get(id) ?? (this.#queued.has(id) ? 0 : undefined);
  }

  /** Takes a closed journal whose row says `finalizing`. What is known already is not taken twice. */
  add(journal: FoundJournal): void {
    if (this.has(journal.id)) return;
    const { mostWaiting, isFollowed } = this.#options;
    if (this.waiting >= mostWaiting) this.#overflowed = true;
    else {
      this.#queued.add(journal.id);
      (isFollowed(journal.id) ? this.#followed : this.#waiting).push(journal.accountId, journal);
    }
    this.#next();
  }

  /** Waits for the next time that recording has been finalized, or could not be; `forget` it when it is not to come. */
  nextEnd(id: string): { readonly ended: Promise<void>; readonly forget: () => void } {
    let onEnd = (): void => {};
    const ended = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    this.#ends.set(id, [...(this.#ends.get(id) ?? []), onEnd]);
    const forget = (): void => {
      const others = (this.#ends.get(id) ?? []).filter((each) => each !== onEnd);
      if (others.length > 0) this.#ends.set(id, others);
      else this.#ends.delete(id);
    };
    return { ended, forget };
  }

  /** Resolves when nothing waits or runs; after `stop`, when nothing runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#next();
    });
  }

  /** Begins no further one: their journals wait for the next start. */
  stop(): void {
    this.#stopped = true;
    this.#next();
  }

  #next(): void {
    while (!this.#stopped) {
      const journal = this.#take();
      if (journal === undefined) break;
      this.#queued.delete(journal.id);
      this.#running.set(journal.id, 0);
      void this.#run(journal).finally(() => {
        this.#running.delete(journal.id);
        for (const resolve of this.#ends.get(journal.id) ?? []) resolve();
        this.#ends.delete(journal.id);
        this.#next();
      });
    }
    if (!this.#stopped && this.#overflowed && this.waiting === 0) void this.#refill();
    const isIdle = this.#running.size === 0 && (this.#stopped || (this.waiting === 0 && !this.#overflowed));
    if (isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take(): FoundJournal | undefined {
    const { atOnce } = this.#options;
    const followed = this.#running.size < 2 * atOnce ? this.#followed.shift() : undefined;
    return followed ?? (this.#running.size < atOnce ? this.#waiting.shift() : undefined);
  }

  /** Takes up what had no room, from the store. */
  async #refill(): Promise<void> {
    if (this.#refilling) return;
    this.#refilling = true;
    const { store, turns, journals, mostWaiting } = this.#options;
    try {
      const rows = await turns.patiently(() => store.recordings.unfinished());
      this.#overflowed = false;
      for (const { accountId, id, state } of rows) {
        if (state !== 'finalizing' || this.has(id)) continue;
        if (this.waiting >= mostWaiting) {
          this.#overflowed = true;
          break;
        }
        this.#queued.add(id);
        this.#waiting.push(accountId, { accountId, id, path: journals.path(accountId, id) });
      }
    } catch (error) {
      this.#overflowed = false;
      this.#options.teller.defect('what waits to be finalized can not be read', error);
    } finally {
      this.#refilling = false;
      this.#next();
    }
  }

  /** Never rejects. */
  async #run(journal: FoundJournal): Promise<void> {
    try {
      const row = await this.#options.turns.patiently(() => this.#options.rows.of(journal));
      try {
        await finalizeJournal(journal, row, this.#options, (share) => this.#running.set(journal.id, share));
      } catch (error) {
        // Ended by us: it begins anew at the next start.
        if (!this.#stopped) await noteFailure(journal, row, asAppError(error), this.#options);
      }
    } catch (error) {
      await this.#options.pool.unfollow(journal.path);
      this.#options.teller.defect('a recording could not be finalized, its journal is kept', error);
    }
  }
}
