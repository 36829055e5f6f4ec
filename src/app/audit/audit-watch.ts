/**
 * Checks the audit's chains while the service runs: all of each at the start and once a day, in between what has come since. What does not
 * hold is said in the log, as an event, in the metrics, and once in the chain itself. A page at a time: hashing must not hold up media.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { AuditNote } from '../../http/audit.ts';
import { BROKEN, CHAIN_BEGIN, chainedEntry } from '../../store/audit-chain.ts';
import type { AuditTable } from '../../store/audit-table.ts';
import { ChainCheck, type ChainFault } from '../../store/chain-check.ts';
import type { ChainEnd } from '../../store/rows.ts';
import type { EventSink } from '../event-sink.ts';
import type { Log } from '../recordings/teller.ts';

export type AuditEventType = 'audit.broken';

const PAGE = 100;
const DAY_US = 86_400e6;

export type AuditWatchOptions = {
  readonly audit: Pick<AuditTable, 'accounts' | 'strays' | 'chain' | 'end'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventSink;
  readonly note: (note: AuditNote) => void;
};

/** What was found to hold, or is known not to. */
type Seen = { readonly first: number; readonly end: ChainEnd; readonly faults: number };

export class AuditWatch {
  readonly #options: AuditWatchOptions;
  readonly #seen = new Map<string, Seen>();
  /** Faults that this run has told, as `account entry`. */
  readonly #told = new Set<string>();
  #wholeUs = Number.NEGATIVE_INFINITY;
  /** Whoever looks, and whoever waits for it. */
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: AuditWatchOptions) {
    this.#options = options;
  }

  /** Places where chains do not hold. */
  get faults(): number {
    return [...this.#seen.values()].reduce((sum, { faults }) => sum + faults, 0);
  }

  /** @throws STORE_FAILED */
  look(): Promise<void> {
    return this.inTurn(() => this.#look());
  }

  /** Does `work` while nobody looks: what removes entries must not come in between. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  /** Ends a look that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
  }

  async #look(): Promise<void> {
    const { audit, clock } = this.#options;
    const nowUs = clock.now();
    const isWhole = nowUs - this.#wholeUs >= DAY_US;
    const accounts = [...(await audit.accounts()), ...(isWhole ? await audit.strays() : [])];
    const failures: unknown[] = [];
    for (const accountId of accounts) {
      if (this.#isClosed) return;
      // One that can't be read must not keep the others from being looked at.
      await this.#lookAt(accountId, isWhole).catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
    if (isWhole) this.#wholeUs = nowUs;
  }

  async #lookAt(accountId: string, isWhole: boolean): Promise<void> {
    const [first] = await this.#options.audit.chain(accountId, { after: 0, limit: 1 });
    const seen = this.#seen.get(accountId);
    // Another beginning than last time: whether that is as it should be, the whole chain says.
    const from = isWhole || first?.entry !== seen?.first ? undefined : seen;
    await this.#check(accountId, first?.entry ?? 0, from);
  }

  /** @param lost what was seen before and is not there any more */
  async #check(accountId: string, first: number, from: Seen | undefined, lost?: ChainEnd): Promise<void> {
    const { audit } = this.#options;
    const end = (await audit.end(accountId)) ?? CHAIN_BEGIN;
    // The last one that was seen, once more: it may have been changed, or cut off.
    const check = new ChainCheck(accountId, from?.end);
    if (from !== undefined && !(await this.#isThere(accountId, from.end)))
      return this.#check(accountId, first, undefined, from.end);
    for (let after = from?.end.entry ?? 0; after < end.entry; ) {
      const rows = await audit.chain(accountId, { after, limit: PAGE });
      if (rows.length === 0 || this.#isClosed) break;
      for (const row of rows) if (row.entry <= end.entry) check.take(chainedEntry(row));
      after = rows.at(-1)!.entry;
      await setImmediate();
    }
    if (this.#isClosed) return;
    if (lost !== undefined) check.lost(lost);
    check.finish(end);
    this.#seen.set(accountId, { first, end, faults: (from?.faults ?? 0) + check.faultCount });
    if (check.faultCount > 0) this.#tell(accountId, check);
  }

  async #isThere(accountId: string, { entry, hash }: ChainEnd): Promise<boolean> {
    if (entry === 0) return true;
    const [row] = await this.#options.audit.chain(accountId, { after: entry - 1, limit: 1 });
    return row?.entry === entry && row.hash === hash;
  }

  #tell(accountId: string, check: ChainCheck): void {
    const { log, events, note } = this.#options;
    const key = ({ entry }: ChainFault): string => `${accountId} ${entry}`;
    const untold = check.faults.filter((fault) => !check.tells(fault) && !this.#told.has(key(fault)));
    for (const fault of check.faults) this.#told.add(key(fault));
    const { entry, why } = untold[0] ?? check.faults[0]!;
    log.error({ accountId, entry, why, faults: check.faultCount }, 'the chain of an audit does not hold');
    if (untold.length === 0) return;
    events.publish(accountId, 'audit.broken', { entry, why });
    const by = { kind: 'policy', by: 'audit' } as const;
    note({
      accountId,
      by,
      action: BROKEN,
      subject: `account/${accountId}`,
      data: { entry, why, faults: untold.length },
    });
  }
}
