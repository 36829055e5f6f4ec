/**
 * Keeps the audit (`http/audit.ts`) in the store, behind whoever notes, and reads it back. Requests without a valid key are counted and
 * told now and then. A process that is killed loses what it has noted in its last moments; no packet and no answer waits for it.
 */
import type { AuditNote, AuditPage, AuditService } from '../../http/audit.ts';
import { badStartKey, placeOf, startKeyOf } from '../../store/start-key.ts';
import type { Store } from '../../store/store.ts';
import { documentOf, entryOf } from './audit-entry.ts';
import { AuditQueue, type AuditQueueOptions } from './audit-queue.ts';
import { NO_ACCOUNT, RefusalCounts, type Refusals } from './refusal-counts.ts';

const KEPT_US = 400 * 86_400e6;

export type AuditTrailOptions = AuditQueueOptions & { readonly store: Pick<Store, 'audit' | 'accounts' | 'keys'> };

export class AuditTrail implements AuditService {
  readonly #options: AuditTrailOptions;
  readonly #queue: AuditQueue;
  readonly #refusals = new RefusalCounts();

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#queue = new AuditQueue(options);
  }

  /** Entries that are not written yet. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Requests without a valid key since the start. */
  get refusals(): number {
    return this.#refusals.total;
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
    const { audit, keys } = this.#options.store;
    const first = startKey === undefined ? undefined : idIn(startKey);
    await this.#tell(this.#refusals.take(accountId));
    if ((await keys.adminAccounts()).includes(accountId)) await this.#tell(this.#refusals.take(NO_ACCOUNT));
    await this.#queue.caughtUp();
    const before = first === undefined ? {} : { before: first + 1 };
    const rows = await audit.page(accountId, { limit: pageSize + 1, ...before });
    const [newest, next] = [rows[0], rows[pageSize]];
    return {
      entries: rows.slice(0, pageSize).map(documentOf),
      startKey: newest === undefined ? (startKey ?? '') : keyOf(newest),
      nextStartKey: next && keyOf(next),
    };
  }

  /** Tells what was counted, and forgets what is older than 400 days; for a timer. @throws STORE_FAILED */
  async sweep(): Promise<void> {
    await this.#tell(this.#refusals.take());
    await this.#options.store.audit.removeBefore(this.#options.clock.now() - KEPT_US);
  }

  /** Writes what waits, or gives it up where the store fails. */
  async close(): Promise<void> {
    await this.#tell(this.#refusals.take()).catch(() => {});
    await this.#queue.close();
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

const keyOf = ({ atUs, id }: { readonly atUs: number; readonly id: number }): string =>
  startKeyOf({ createdGregorian: Math.floor(atUs / 1e6), id: String(id) });

/** @throws FIELDS_INVALID */
const idIn = (startKey: string): number => {
  const { id } = placeOf(startKey);
  if (!/^\d{1,15}$/.test(id)) throw badStartKey();
  return Number(id);
};
