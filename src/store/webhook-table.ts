/** Events on their way to their accounts' webhooks, and those that did not arrive. What has arrived is gone; so is what a removed account had. */
import { RowCodec } from './row-codec.ts';
import type { WebhookHead, WebhookRow } from './rows.ts';
import type { Queries } from './schema.ts';
import { inTransaction } from './write-transaction.ts';

const CODEC = new RowCodec<WebhookRow>({
  accountId: 'plain',
  id: 'plain',
  createdUs: 'whole',
  body: 'plain',
  state: 'plain',
  tries: 'whole',
  nextUs: 'whole',
  deadlineUs: 'whole',
  lastStatus: 'plain',
  lastError: 'plain',
});

export class WebhookTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** All of them, but for those whose account is gone and those that are there. @param rows a few hundred at most. @returns those there are now */
  async insert(rows: readonly WebhookRow[]): Promise<WebhookRow[]> {
    return inTransaction(this.#queries, async (queries) => {
      const accountIds = [...new Set(rows.map(({ accountId }) => accountId))];
      const there = await queries.selectFrom('accounts').select('id').where('id', 'in', accountIds).execute();
      const known = new Set(there.map(({ id }) => id));
      const taken = rows.filter(({ accountId }) => known.has(accountId));
      if (taken.length === 0) return [];
      await queries
        .insertInto('webhooks')
        .values(taken.map((row) => CODEC.stored(row)))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return taken;
    });
  }

  async get(accountId: string, id: string): Promise<WebhookRow | undefined> {
    const stored = await this.#queries
      .selectFrom('webhooks')
      .selectAll()
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .executeTakeFirst();
    return stored && CODEC.row(stored);
  }

  /** @returns false when it is gone: it does not come back */
  async update({ accountId, id, ...row }: WebhookRow): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('webhooks')
      .set(CODEC.patch(row))
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** The waiting ones, the longest due first. @param except accounts whose are left out */
  async waiting(limit: number, except: readonly string[] = []): Promise<WebhookHead[]> {
    const all = this.#queries
      .selectFrom('webhooks')
      .select(['accountId', 'id', 'createdUs', 'nextUs', 'deadlineUs'])
      .where('state', '=', 'waiting');
    const wanted = except.length === 0 ? all : all.where('accountId', 'not in', except);
    return wanted.orderBy('nextUs').orderBy('createdUs').limit(limit).execute();
  }

  /** How many wait. */
  async waitingCount(): Promise<number> {
    const { count } = await this.#queries
      .selectFrom('webhooks')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  /** In the order in which they happened. @param options.after only what came after that */
  async page(accountId: string, options: { readonly limit: number; readonly after?: number }): Promise<WebhookRow[]> {
    const all = this.#queries.selectFrom('webhooks').selectAll().where('accountId', '=', accountId);
    const wanted = options.after === undefined ? all : all.where('createdUs', '>', options.after);
    const stored = await wanted.orderBy('createdUs').limit(options.limit).execute();
    return stored.map((row) => CODEC.row(row));
  }

  /** How many there are, by account; none: not in it. */
  async counts(): Promise<Map<string, number>> {
    const counts = await this.#queries
      .selectFrom('webhooks')
      .select(({ fn }) => ['accountId' as const, fn.countAll().as('count')])
      .groupBy('accountId')
      .execute();
    return new Map(counts.map(({ accountId, count }) => [accountId, Number(count)]));
  }

  /** @returns false when there was none */
  async remove(accountId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('webhooks')
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  /** All of an account, or those of its failed ones that are oldest. @returns how many there were */
  async removeOf(accountId: string, oldestFailed?: number): Promise<number> {
    const all = this.#queries.deleteFrom('webhooks').where('accountId', '=', accountId);
    const wanted =
      oldestFailed === undefined
        ? all
        : all.where('id', 'in', (query) =>
            query
              .selectFrom('webhooks')
              .select('id')
              .where('accountId', '=', accountId)
              .where('state', '=', 'failed')
              .orderBy('createdUs')
              .limit(oldestFailed),
          );
    return Number((await wanted.executeTakeFirst()).numDeletedRows);
  }

  /** Failed ones that happened before. @returns how many there were */
  async removeFailedBefore(createdUs: number): Promise<number> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('webhooks')
      .where('state', '=', 'failed')
      .where('createdUs', '<', Math.round(createdUs))
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}
