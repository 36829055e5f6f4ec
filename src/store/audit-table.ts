/**
 * Who did what, in the order it was done, each account's as a chain (`audit-chain.ts`). Never holds digits, keys or audio: whoever appends
 * sees to that.
 */
import { auditDataIn, CHAIN_BEGIN, chained, PRUNED } from './audit-chain.ts';
import { RowCodec, type Stored } from './row-codec.ts';
import type { AuditEntry, AuditHeadRow, AuditRow, ChainEnd } from './rows.ts';
import type { Queries } from './schema.ts';
import { inTransaction } from './write-transaction.ts';

const ROW = new RowCodec<AuditRow>({
  accountId: 'plain',
  entry: 'plain',
  atUs: 'whole',
  actor: 'plain',
  action: 'plain',
  subject: 'plain',
  data: 'json',
  previous: 'plain',
  hash: 'plain',
});

const rowOf = (stored: Stored<AuditRow>): AuditRow => ({ ...stored, data: auditDataIn(stored.data) });

export class AuditTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** All of them or none, in this order, behind what is there by then: two at once make no fork. @param entries a few hundred at most */
  async append(...entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await inTransaction(this.#queries, async (queries) => {
      const ends = await endsOf(queries, [...new Set(entries.map(({ accountId }) => accountId))]);
      const rows = entries.map((entry) => {
        const row = chained(entry, ends.get(entry.accountId) ?? CHAIN_BEGIN);
        ends.set(entry.accountId, row);
        return row;
      });
      await queries
        .insertInto('audit')
        .values(rows.map((row) => ROW.stored(row)))
        .execute();
      await queries
        .insertInto('auditHeads')
        .values([...ends].map(([accountId, { entry, hash }]) => ({ accountId, entry, hash })))
        .onConflict((conflict) =>
          conflict
            .column('accountId')
            .doUpdateSet(({ ref }) => ({ entry: ref('excluded.entry'), hash: ref('excluded.hash') })),
        )
        .execute();
    });
  }

  /** Newest first. @param options.before only what came before the entry of that number */
  async page(accountId: string, options: { readonly limit: number; readonly before?: number }): Promise<AuditRow[]> {
    const all = this.#queries.selectFrom('audit').selectAll().where('accountId', '=', accountId);
    const wanted = options.before === undefined ? all : all.where('entry', '<', options.before);
    const stored = await wanted.orderBy('entry', 'desc').limit(options.limit).execute();
    return stored.map(rowOf);
  }

  /** Oldest first. @param options.after only what came behind the entry of that number */
  async chain(accountId: string, options: { readonly after: number; readonly limit: number }): Promise<AuditRow[]> {
    const stored = await this.#queries
      .selectFrom('audit')
      .selectAll()
      .where('accountId', '=', accountId)
      .where('entry', '>', options.after)
      .orderBy('entry')
      .limit(options.limit)
      .execute();
    return stored.map(rowOf);
  }

  /** The entry that was written last, whether it is still there or not; undefined: there was none. */
  async end(accountId: string): Promise<ChainEnd | undefined> {
    return (await endsOf(this.#queries, [accountId])).get(accountId);
  }

  /** Whose ends are noted: everyone who has entries, or had some; removed accounts too. */
  async accounts(): Promise<string[]> {
    const noted = await this.#queries.selectFrom('auditHeads').select('accountId').orderBy('accountId').execute();
    return noted.map(({ accountId }) => accountId);
  }

  /** Who has entries and no noted end: nobody, unless it was taken away. Reads all there is. */
  async strays(): Promise<string[]> {
    const found = await this.#queries
      .selectFrom('audit')
      .select('accountId')
      .distinct()
      .where('accountId', 'not in', (noted) => noted.selectFrom('auditHeads').select('accountId'))
      .orderBy('accountId')
      .execute();
    return found.map(({ accountId }) => accountId);
  }

  /** Removes of each chain what is older, from its beginning up to the first entry that is not, and says so in the chain. @returns how many */
  async prune(beforeUs: number, nowUs: number): Promise<number> {
    const old = await this.#queries
      .selectFrom('audit')
      .select('accountId')
      .distinct()
      .where('atUs', '<', Math.round(beforeUs))
      .execute();
    let removed = 0;
    for (const { accountId } of old) removed += await this.#pruneOne(accountId, Math.round(beforeUs), nowUs);
    return removed;
  }

  #pruneOne(accountId: string, beforeUs: number, nowUs: number): Promise<number> {
    return inTransaction(this.#queries, async (queries) => {
      const all = queries.selectFrom('audit').where('accountId', '=', accountId);
      const kept = await all.select('entry').where('atUs', '>=', beforeUs).orderBy('entry').limit(1).executeTakeFirst();
      const old = kept === undefined ? all : all.where('entry', '<', kept.entry);
      const last = await old.select(['entry', 'hash']).orderBy('entry', 'desc').limit(1).executeTakeFirst();
      if (last === undefined) return 0;
      const { numDeletedRows } = await queries
        .deleteFrom('audit')
        .where('accountId', '=', accountId)
        .where('entry', '<=', last.entry)
        .executeTakeFirst();
      const data = { through: last.entry, hash: last.hash };
      const subject = `account/${accountId}`;
      await new AuditTable(queries).append({
        ...{ accountId, atUs: nowUs, actor: 'policy:retention', action: PRUNED, subject, data },
      });
      return Number(numDeletedRows);
    });
  }
}

/** Where chains end, as it was noted; or later, where there are entries behind that. */
const endsOf = async (queries: Queries, accountIds: readonly string[]): Promise<Map<string, ChainEnd>> => {
  const noted: AuditHeadRow[] = await queries
    .selectFrom('auditHeads')
    .selectAll()
    .where('accountId', 'in', accountIds)
    .execute();
  const ends = new Map<string, ChainEnd>(noted.map(({ accountId, entry, hash }) => [accountId, { entry, hash }]));
  for (const accountId of accountIds) {
    const last = await queries
      .selectFrom('audit')
      .select(['entry', 'hash'])
      .where('accountId', '=', accountId)
      .orderBy('entry', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (last !== undefined && last.entry > (ends.get(accountId)?.entry ?? 0)) ends.set(accountId, last);
  }
  return ends;
};
