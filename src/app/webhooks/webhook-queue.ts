/**
 * Events on their way to the webhooks of their accounts: each a row in the store until it was taken, tried by the retry engine, one at a
 * time for each account and in the order in which they happened, as far as retries allow.
 *
 *     EventLog ──▶ WebhookIntake ──▶ rows ──▶ Sending ──▶ tryWebhook ──▶ the account's URL
 */
import type { Clock } from '../../core/clock.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { AllowList } from '../../deliver/allow-list.ts';
import type { TryLimits } from '../../deliver/attempt.ts';
import type { Resolve } from '../../deliver/dialler.ts';
import { isForWebhooks } from '../../http/event-catalogue.ts';
import type { ServiceEvent } from '../../http/service.ts';
import type { AccountRow, WebhookHead, WebhookRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { EventSink } from '../event-sink.ts';
import type { Log } from '../recordings/teller.ts';
import { WriteTurns } from '../recordings/write-turns.ts';
import type { AgendaEntry } from '../sending/agenda.ts';
import { Sending } from '../sending/sending.ts';
import type { Tried } from '../sending/sending-options.ts';
import { hostOf } from '../sending/target-name.ts';
import { Hooks } from './hooks.ts';
import { WebhookIntake } from './webhook-intake.ts';
import { WebhookTeller } from './webhook-teller.ts';
import { tryWebhook, type WebhookTryOptions } from './webhook-try.ts';
import type { WebhookUnderWay } from './webhook-view.ts';

const AT_ONCE = { perTarget: 1, total: 32 };
const MOST_WAITING = 50_000;
/** Of one account. */
const MOST_PER_TARGET = 2000;
const BREAKER = { failures: 5, firstMs: 15_000, ceilingMs: 300_000 };
/** Failed ones are kept for so long. */
const KEPT_US = 30 * 86_400e6;

export type WebhookQueueOptions = {
  readonly store: Pick<Store, 'webhooks' | 'accounts'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly allow: AllowList;
  readonly openSecret: WebhookTryOptions['openSecret'];
  readonly events: EventSink;
  readonly log: Log;
  readonly mostKept?: number;
  readonly limits?: Partial<TryLimits>;
  readonly resolve?: Resolve;
};

/** Of what is in memory. */
export type WebhookCounts = { readonly waiting: number; readonly dropped: number; readonly targetsDown: number };

export class WebhookQueue {
  readonly #options: WebhookQueueOptions;
  readonly #hooks = new Hooks();
  readonly #teller: WebhookTeller;
  readonly #turns: WriteTurns;
  readonly #intake: WebhookIntake;
  readonly #sending: Sending;
  readonly #closing = new AbortController();
  #cleaning: Promise<unknown> = Promise.resolve();

  constructor(options: WebhookQueueOptions) {
    const { store, clock, random, allow, openSecret, limits, resolve, mostKept } = options;
    this.#options = options;
    const teller = new WebhookTeller(options.events, options.log);
    this.#teller = teller;
    const onDefect = (sentence: string, error: unknown): void => teller.defect(sentence, error);
    this.#turns = new WriteTurns(clock, this.#closing.signal, (error) => onDefect('a row could not be written', error));
    this.#intake = new WebhookIntake({
      ...{ store, clock, turns: this.#turns, onDefect },
      ...(mostKept === undefined ? {} : { mostKept }),
      onStored: (rows) => this.#stored(rows),
      onDropped: (accountId) => teller.dropped(accountId),
    });
    const trying: WebhookTryOptions = {
      ...{ store, clock, random, allow, openSecret, turns: this.#turns, hooks: this.#hooks },
      ...(limits === undefined ? {} : { limits }),
      ...(resolve === undefined ? {} : { resolve }),
    };
    this.#sending = new Sending({
      ...{ clock, random, atOnce: AT_ONCE, breaker: BREAKER, onDefect },
      ...{ mostWaiting: MOST_WAITING, mostPerTarget: MOST_PER_TARGET },
      tryOnce: (entry, signal) => this.#try(entry, signal, trying),
      load: async ({ limit, except, isKnown }) => {
        const heads = await store.webhooks.waiting(limit, except);
        const entries = heads.map(entryOf).filter(({ id }) => !isKnown(id));
        return { entries, isAll: heads.length < limit };
      },
      giveUp: (entry) => this.#giveUp(entry),
      onTarget: (change, { accountId }) => teller.target(accountId, change, this.#hostOf(accountId)),
    });
  }

  get counts(): WebhookCounts {
    const { waiting, inFlight, targetsDown } = this.#sending.counts;
    return { waiting: this.#intake.unwritten + waiting + inFlight, dropped: this.#intake.dropped, targetsDown };
  }

  /** How many no webhook has taken yet, those too that memory has no room for. @throws STORE_FAILED */
  async queued(): Promise<number> {
    return this.#intake.unwritten + (await this.#options.store.webhooks.waitingCount());
  }

  /** Takes up what an earlier run has left. @throws STORE_FAILED */
  async start(): Promise<void> {
    const { store } = this.#options;
    for (const { id, ...stored } of await store.accounts.webhooks()) this.#hooks.set(id, stored);
    await this.#intake.count();
    await this.#sending.resume();
  }

  /** Something has happened. Returns at once and never throws. */
  take(accountId: string, event: ServiceEvent): void {
    if (isForWebhooks(event.type) && this.#hooks.has(accountId)) this.#intake.take(accountId, event);
  }

  /** An account's settings have changed, or it is gone. */
  changed(accountId: string, stored: Pick<AccountRow, 'webhookUrl' | 'webhookSecret'> | undefined): void {
    const { was, moved } = this.#hooks.set(accountId, stored);
    if (!was) return;
    if (!this.#hooks.has(accountId)) this.#cleaning = Promise.all([this.#cleaning, this.#forget(accountId)]);
    // Whatever was wrong with it was wrong with another.
    else if (moved) this.#sending.forgive(accountId);
  }

  hasHook(accountId: string): boolean {
    return this.#hooks.has(accountId);
  }

  /** Events of an account that did not fit, since the start. */
  droppedOf(accountId: string): number {
    return this.#intake.droppedOf(accountId);
  }

  /** How far it is. */
  underWay(row: WebhookRow): WebhookUnderWay {
    return {
      host: this.#hostOf(row.accountId),
      isBeingTried: this.#sending.isBeingTried(entryId(row)),
      circuit: this.#sending.circuitOf(row.accountId),
      tryUs: this.#sending.earliestUs(row.accountId, row.nextUs),
    };
  }

  /** What the store has as due now is tried now, also when its target was down. */
  tryNow(row: WebhookRow): void {
    this.#sending.add(entryOf(row));
    this.#sending.allowProbe(row.accountId);
  }

  /** Ends its tries, and its row. */
  async remove(row: WebhookRow): Promise<void> {
    await this.#sending.cancel(entryId(row));
    if (await this.#options.store.webhooks.remove(row.accountId, row.id)) this.#intake.gone(row.accountId);
  }

  /** Removes what failed long ago; for a timer. @throws STORE_FAILED */
  async sweep(): Promise<void> {
    await this.#options.store.webhooks.removeFailedBefore(this.#options.clock.now() - KEPT_US);
    await this.#intake.count();
  }

  /** Resolves when what was taken is written. @throws STORE_FAILED while it can't be */
  caughtUp(): Promise<void> {
    return this.#intake.caughtUp();
  }

  /** Resolves when what was taken is written, or given up, and what was removed is gone. */
  async settled(): Promise<void> {
    await this.#intake.idle();
    await this.#cleaning;
  }

  /** Writes what was taken, ends the tries in flight: they are made again after the next start. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#sending.close(), this.settled()]);
  }

  #stored(rows: readonly WebhookRow[]): void {
    this.#sending.add(...rows.filter(({ accountId }) => this.#hooks.has(accountId)).map(entryOf));
    // Their webhook went while they were written.
    for (const accountId of new Set(rows.map((row) => row.accountId)))
      if (!this.#hooks.has(accountId)) this.#cleaning = Promise.all([this.#cleaning, this.#forget(accountId)]);
  }

  async #try({ accountId, id }: AgendaEntry, signal: AbortSignal, options: WebhookTryOptions): Promise<Tried> {
    const { end, ...tried } = await tryWebhook(accountId, eventIdIn(id), signal, options);
    if (end?.kind === 'taken') this.#intake.gone(accountId);
    if (end?.kind === 'failed') this.#teller.failed(end.row, this.#hostOf(accountId));
    return tried;
  }

  async #giveUp({ accountId, id }: AgendaEntry): Promise<void> {
    const { webhooks } = this.#options.store;
    const row = await this.#turns.patiently(() => webhooks.get(accountId, eventIdIn(id)));
    if (row?.state !== 'waiting') return;
    const failed: WebhookRow = {
      ...row,
      state: 'failed',
      lastError: row.lastError ?? `${this.#hostOf(accountId)} has been down`,
    };
    if (await this.#turns.patiently(() => webhooks.update(failed)))
      this.#teller.failed(failed, this.#hostOf(accountId));
  }

  async #forget(accountId: string): Promise<void> {
    try {
      await this.#sending.cancelTarget(accountId);
      this.#intake.gone(accountId, await this.#turns.patiently(() => this.#options.store.webhooks.removeOf(accountId)));
    } catch (error) {
      this.#teller.defect('what waited for a webhook that is no more could not be removed', error);
    }
  }

  #hostOf(accountId: string): string {
    return hostOf(this.#hooks.get(accountId)?.url ?? null);
  }
}

/** Unique among all accounts' events. Account ids have no spaces. */
const entryId = ({ accountId, id }: Pick<WebhookRow, 'accountId' | 'id'>): string => `${accountId} ${id}`;
const eventIdIn = (id: string): string => id.slice(id.indexOf(' ') + 1);

const entryOf = (head: WebhookHead): AgendaEntry => ({
  id: entryId(head),
  accountId: head.accountId,
  target: head.accountId,
  dueUs: head.nextUs,
  order: head.createdUs,
  deadlineUs: head.deadlineUs,
});
