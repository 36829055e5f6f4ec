/**
 * Events on their way into the store: taken at once, written behind whoever tells them, many in a statement, in order. So many of an
 * account are kept, waiting and failed together; what does not fit is counted.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { ServiceEvent } from '../../http/service.ts';
import type { WebhookRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { WriteTurns } from '../recordings/write-turns.ts';
import { PATIENCE_US } from '../sending/retry.ts';

/** Of all accounts, not written yet: a few megabytes. */
const MOST_UNWRITTEN = 10_000;
/** Of one account, in the store. */
const MOST_KEPT = 10_000;
/** Of one statement. */
const BATCH = 100;

export type WebhookIntakeOptions = {
  readonly store: Pick<Store, 'webhooks'>;
  readonly clock: Clock;
  readonly turns: Pick<WriteTurns, 'patiently'>;
  readonly mostKept?: number;
  readonly mostUnwritten?: number;
  readonly onStored: (rows: readonly WebhookRow[]) => void;
  /** Told of the first that does not fit, until there is room again, and of what the store refuses for good. */
  readonly onDropped: (accountId: string) => void;
  readonly onDefect: (sentence: string, error: unknown) => void;
};

export class WebhookIntake {
  readonly #options: WebhookIntakeOptions;
  readonly #mostKept: number;
  readonly #unwritten: WebhookRow[] = [];
  /** Of each account, written or not. */
  #kept = new Map<string, number>();
  readonly #dropped = new Map<string, number>();
  readonly #isFull = new Set<string>();
  #lastUs = 0;
  #droppedInAll = 0;
  #writing: Promise<void> | undefined;
  /** The statement under way, or the last one; rejects when the store fails. */
  #attempt: Promise<unknown> = Promise.resolve();

  constructor(options: WebhookIntakeOptions) {
    this.#options = options;
    this.#mostKept = options.mostKept ?? MOST_KEPT;
  }

  get unwritten(): number {
    return this.#unwritten.length;
  }

  /** Since the start. */
  get dropped(): number {
    return this.#droppedInAll;
  }

  /** Of an account, since the start. */
  droppedOf(accountId: string): number {
    return this.#dropped.get(accountId) ?? 0;
  }

  /** Reads how many there are. @throws STORE_FAILED */
  async count(): Promise<void> {
    const counts = await this.#options.store.webhooks.counts();
    for (const { accountId } of this.#unwritten) counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
    this.#kept = counts;
  }

  /** Returns at once and never throws. */
  take(accountId: string, event: ServiceEvent): void {
    const kept = this.#kept.get(accountId) ?? 0;
    const hasRoom = this.#unwritten.length < (this.#options.mostUnwritten ?? MOST_UNWRITTEN);
    if (kept >= this.#mostKept || !hasRoom) {
      this.#drop(accountId);
      return;
    }
    this.#isFull.delete(accountId);
    this.#kept.set(accountId, kept + 1);
    const nowUs = Math.round(this.#options.clock.now());
    this.#lastUs = Math.max(this.#lastUs + 1, nowUs);
    this.#unwritten.push({
      ...{ accountId, id: event.id, createdUs: this.#lastUs, body: JSON.stringify(event) },
      ...{ state: 'waiting', tries: 0, nextUs: nowUs, deadlineUs: nowUs + PATIENCE_US },
      ...{ lastStatus: null, lastError: null },
    });
    this.#writing ??= this.#write();
  }

  /** So many of an account's are no more. */
  gone(accountId: string, rows = 1): void {
    const left = (this.#kept.get(accountId) ?? 0) - rows;
    if (left > 0) this.#kept.set(accountId, left);
    else this.#kept.delete(accountId);
  }

  /** Resolves when what was taken before is written. @throws STORE_FAILED while it can't be */
  async caughtUp(): Promise<void> {
    while (this.#unwritten.length > 0) {
      await setImmediate();
      await this.#attempt;
    }
  }

  /** Resolves when what was taken before is written, or given up. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { onStored, onDropped, onDefect } = this.#options;
    while (this.#unwritten.length > 0) {
      // Others' turn first: what is told in one go is written in one.
      await setImmediate();
      const batch = this.#unwritten.slice(0, BATCH);
      try {
        const stored = await this.#insert(batch);
        const accounts = new Set(stored.map(({ accountId }) => accountId));
        for (const { accountId } of batch) if (!accounts.has(accountId)) this.gone(accountId);
        onStored(stored);
        await this.#makeRoom(accounts).catch((error: unknown) => onDefect('failed ones could not be removed', error));
      } catch (error) {
        onDefect(`${batch.length} could not be written`, error);
        for (const { accountId } of batch) {
          this.gone(accountId);
          this.#count(accountId);
        }
        for (const accountId of new Set(batch.map((row) => row.accountId))) onDropped(accountId);
      }
      this.#unwritten.splice(0, batch.length);
    }
    this.#writing = undefined;
  }

  #insert(batch: readonly WebhookRow[]): Promise<WebhookRow[]> {
    return this.#options.turns.patiently(() => {
      const attempt = this.#options.store.webhooks.insert(batch);
      this.#attempt = attempt;
      return attempt;
    });
  }

  /** Before it is full: those that failed long ago go first. */
  async #makeRoom(accountIds: ReadonlySet<string>): Promise<void> {
    for (const accountId of accountIds) {
      if ((this.#kept.get(accountId) ?? 0) <= this.#mostKept * 0.9) continue;
      const most = Math.ceil(this.#mostKept * 0.1);
      const removed = await this.#options.store.webhooks.removeOf(accountId, most);
      if (removed > 0) this.gone(accountId, removed);
      for (let each = 0; each < removed; each++) this.#count(accountId);
    }
  }

  #drop(accountId: string): void {
    this.#count(accountId);
    if (this.#isFull.has(accountId)) return;
    this.#isFull.add(accountId);
    this.#options.onDropped(accountId);
  }

  #count(accountId: string): void {
    this.#droppedInAll++;
    this.#dropped.set(accountId, this.droppedOf(accountId) + 1);
  }
}
