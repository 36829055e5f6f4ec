/**
 * What is noted and not written yet: a queue in memory, bounded, written in order, many entries in a statement. A store that fails is
 * asked again, until the end; what does not fit meanwhile is counted, and the next entry that is written says how many there were.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { asAppError } from '../../core/errors.ts';
import type { AuditEntry } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { Log } from '../recordings/teller.ts';
import { entryOf } from './audit-entry.ts';

/** A few megabytes. */
const MOST_WAITING = 10_000;
/** Of one statement. */
const BATCH = 100;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

export type AuditQueueOptions = {
  readonly store: Pick<Store, 'audit'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly mostWaiting?: number;
};

export class AuditQueue {
  readonly #options: AuditQueueOptions;
  readonly #waiting: AuditEntry[] = [];
  /** What did not fit or was refused, by account, until that is written. */
  readonly #lost = new Map<string, { readonly entries: number; readonly sinceUs: number }>();
  readonly #closing = new AbortController();
  #added = 0;
  #done = 0;
  /** The statement under way, or the last one; rejects when the store fails. */
  #attempt: Promise<number> = Promise.resolve(0);
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: AuditQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Returns at once and never throws. */
  add(entry: AuditEntry): void {
    if (this.#waiting.length >= (this.#options.mostWaiting ?? MOST_WAITING)) this.#lose(entry);
    else this.#put(entry);
  }

  /** Resolves when what was added before is written. @throws STORE_FAILED while it can't be */
  async caughtUp(): Promise<void> {
    const upTo = this.#added;
    while (this.#done < upTo) await this.#attempt;
  }

  /** Writes what waits, or gives it up where the store fails. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  #put(entry: AuditEntry): void {
    this.#waiting.push(entry);
    this.#added++;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; this.#waiting.length > 0; ) {
      try {
        this.#attempt = this.#append();
        this.#wrote(await this.#attempt);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        const goesOn = this.#failed(error);
        if (!goesOn) continue;
        await this.#options.clock.sleep(pauseMs, this.#closing.signal).catch(() => {});
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
    this.#writing = undefined;
  }

  /** @returns how many of those that wait were written */
  async #append(): Promise<number> {
    // Others' turn first: what is noted in one go is written in one.
    await setImmediate();
    const batch = this.#waiting.slice(0, BATCH);
    await this.#options.store.audit.append(...batch);
    return batch.length;
  }

  #wrote(entries: number): void {
    const { clock, log } = this.#options;
    this.#waiting.splice(0, entries);
    this.#done += entries;
    if (this.#isFailing) log.info({}, 'the audit is written again');
    this.#isFailing = false;
    // Here, where all that was noted before is in front and nothing that comes after is.
    for (const [accountId, { entries: lost, sinceUs }] of this.#lost) {
      const data = { entries: lost, since: new Date(sinceUs / 1000).toISOString() };
      const by = { kind: 'policy', by: 'audit' } as const;
      log.warn({ accountId, ...data }, 'the audit has a gap');
      this.#put(entryOf({ accountId, by, action: 'audit.gap', subject: `account/${accountId}`, data }, clock.now()));
    }
    this.#lost.clear();
  }

  /** @returns whether the same entries are to be tried again */
  #failed(error: unknown): boolean {
    const { code, message } = asAppError(error);
    if (code === 'STORE_FAILED' && !this.#closing.signal.aborted) {
      if (!this.#isFailing) this.#options.log.error({ code, error: message }, 'the audit can not be written');
      this.#isFailing = true;
      return true;
    }
    const batch = this.#waiting.splice(0, BATCH);
    this.#done += batch.length;
    for (const entry of batch) this.#lose(entry);
    this.#options.log.error({ code, error: message, entries: batch.length }, 'entries of the audit are lost');
    return false;
  }

  #lose({ accountId, atUs }: AuditEntry): void {
    const { entries = 0, sinceUs = atUs } = this.#lost.get(accountId) ?? {};
    this.#lost.set(accountId, { entries: entries + 1, sinceUs });
  }
}
