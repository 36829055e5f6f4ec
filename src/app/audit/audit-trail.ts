/**
 * Keeps the audit (`http/audit.ts`) in the store, behind whoever notes, reads it back, and watches over its chains. Requests without a valid
 * key are counted and told now and then. A process that is killed loses what it has noted in its last moments; no packet and no answer waits for it.
 */
import type { KeyObject } from 'node:crypto';
import type { AuditMark } from '../../finalize/manifest.ts';
import type { AuditNote, AuditPage, AuditService } from '../../http/audit.ts';
import { badStartKey, placeOf, startKeyOf } from '../../store/start-key.ts';
import type { Store } from '../../store/store.ts';
import type { EventSink } from '../event-sink.ts';
import { documentOf, entryOf } from './audit-entry.ts';
import { exportChain } from './audit-export.ts';
import { AuditQueue, type AuditQueueOptions } from './audit-queue.ts';
import { AuditWatch } from './audit-watch.ts';
import { NO_ACCOUNT, RefusalCounts, type Refusals } from './refusal-counts.ts';

const KEPT_US = 400 * 86_400e6;

export type AuditTrailOptions = AuditQueueOptions & {
  readonly store: Pick<Store, 'audit' | 'accounts' | 'keys'>;
  readonly events: EventSink;
  /** Ed25519, private: signs the heads of exports; they are not signed without. */
  readonly signingKey?: KeyObject;
};

export class AuditTrail implements AuditService {
  readonly #options: AuditTrailOptions;
  readonly #queue: AuditQueue;
  readonly #watch: AuditWatch;
  readonly #refusals = new RefusalCounts();

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#queue = new AuditQueue(options);
    const { clock, log, events } = options;
    this.#watch = new AuditWatch({ audit: options.store.audit, clock, log, events, note: (note) => this.note(note) });
  }

  /** Entries that are not written yet. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Requests without a valid key since the start. */
  get refusals(): number {
    return this.#refusals.total;
  }

  /** Places where chains were found not to hold. */
  get faults(): number {
    return this.#watch.faults;
  }

  note(note: AuditNote): void {
    this.#queue.add(entryOf(note, this.#options.clock.now()));
  }

  refused(accountId: string | undefined): void {
    this.#refusals.add(accountId, this.#options.clock.now());
  }

  async page(
    accountId: string,
    { pageSize, startKey }: { readonly pageSize: number; readonly startKey: string | undefined },
  ): Promise<AuditPage> {
    const first = startKey === undefined ? undefined : numberIn(startKey);
    await this.#catchUp(accountId);
    const before = first === undefined ? {} : { before: first + 1 };
    const rows = await this.#options.store.audit.page(accountId, { limit: pageSize + 1, ...before });
    const [newest, next] = [rows[0], rows[pageSize]];
    return {
      entries: rows.slice(0, pageSize).map(documentOf),
      startKey: newest === undefined ? (startKey ?? '') : keyOf(newest),
      nextStartKey: next && keyOf(next),
    };
  }

  async export(accountId: string): Promise<AsyncIterable<string>> {
    await this.#catchUp(accountId);
    const { store, clock, signingKey } = this.#options;
    return exportChain({ audit: store.audit, accountId, nowUs: clock.now(), signingKey });
  }

  /** The last entry there is, for a manifest; what was noted before is in it. @throws STORE_FAILED */
  async mark(accountId: string): Promise<AuditMark | null> {
    await this.#queue.caughtUp();
    const end = await this.#options.store.audit.end(accountId);
    return end === undefined ? null : { account_id: accountId, entry: end.entry, hash: end.hash };
  }

  /** Checks whether the chains hold, and says so loudly where they don't. @throws STORE_FAILED */
  check(): Promise<void> {
    return this.#watch.look();
  }

  /** Tells what was counted, forgets what is older than 400 days, and checks the rest; for a timer. @throws STORE_FAILED */
  async sweep(): Promise<void> {
    await this.#tell(this.#refusals.take());
    const { store, clock } = this.#options;
    const nowUs = clock.now();
    await this.#watch.inTurn(() => store.audit.prune(nowUs - KEPT_US, nowUs));
    await this.#watch.look();
  }

  /** Resolves when what was noted before is written. @throws STORE_FAILED while it can't be */
  caughtUp(): Promise<void> {
    return this.#queue.caughtUp();
  }

  /** Writes what waits, or gives it up where the store fails. */
  async close(): Promise<void> {
    await this.#watch.close();
    await this.#tell(this.#refusals.take()).catch(() => {});
    await this.#queue.close();
  }

  /** Until what was done to that account is in the store. */
  async #catchUp(accountId: string): Promise<void> {
    await this.#tell(this.#refusals.take(accountId));
    const admins = await this.#options.store.keys.adminAccounts();
    if (admins.includes(accountId)) await this.#tell(this.#refusals.take(NO_ACCOUNT));
    await this.#queue.caughtUp();
  }

  /** Notes counts: with the account they were for; with those who run the service where there is none of that id. @throws STORE_FAILED */
  async #tell(refusals: readonly Refusals[]): Promise<void> {
    if (refusals.length === 0) return;
    const { accounts, keys } = this.#options.store;
    const told: (Refusals & { readonly subject: string })[] = [];
    let count = 0;
    let sinceUs = Number.POSITIVE_INFINITY;
    try {
      for (const each of refusals) {
        const { accountId } = each;
        if (accountId !== NO_ACCOUNT && (await accounts.get(accountId)) !== undefined) {
          told.push({ ...each, subject: `account/${accountId}` });
        } else {
          count += each.count;
          sinceUs = Math.min(sinceUs, each.sinceUs);
        }
      }
      const admins = count === 0 ? [] : await keys.adminAccounts();
      for (const accountId of admins) told.push({ accountId, count, sinceUs, subject: 'service' });
    } catch (error) {
      this.#refusals.putBack(refusals);
      throw error;
    }
    for (const { accountId, subject, ...counted } of told) {
      const data = { count: counted.count, since: new Date(counted.sinceUs / 1000).toISOString() };
      this.note({ accountId, by: { kind: 'policy', by: 'authentication' }, action: 'key.refuse', subject, data });
    }
  }
}

const keyOf = ({ atUs, entry }: { readonly atUs: number; readonly entry: number }): string =>
  startKeyOf({ createdGregorian: Math.max(0, Math.floor(atUs / 1e6)), id: String(entry) });

/** @throws FIELDS_INVALID */
const numberIn = (startKey: string): number => {
  const { id } = placeOf(startKey);
  if (!/^\d{1,15}$/.test(id)) throw badStartKey();
  return Number(id);
};
