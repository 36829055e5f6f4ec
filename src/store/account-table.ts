/** The accounts. Removing one removes its people, keys and tokens; its recordings stay until their time is up. */
import { AppError } from '../core/errors.ts';
import { RowCodec } from './row-codec.ts';
import type { AccountRow } from './rows.ts';
import type { Queries } from './schema.ts';

export type AccountPatch = Partial<Omit<AccountRow, 'id' | 'createdUs'>>;

const CODEC = new RowCodec<AccountRow>({
  id: 'plain',
  name: 'plain',
  metaflows: 'json',
  callRecording: 'json',
  webhookUrl: 'plain',
  webhookSecret: 'plain',
  streamKeys: 'plain',
  extra: 'json',
  createdUs: 'whole',
});

export class AccountTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** @throws CONFLICT when there is one of that id */
  async insert(row: AccountRow): Promise<void> {
    const { numInsertedOrUpdatedRows: inserted } = await this.#queries
      .insertInto('accounts')
      .values(CODEC.stored(row))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted === 0n) throw new AppError('CONFLICT', 'there is an account of that id');
  }

  async get(id: string): Promise<AccountRow | undefined> {
    const stored = await this.#queries.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst();
    return stored && CODEC.row(stored);
  }

  /** In the order they were made. */
  async list(): Promise<AccountRow[]> {
    const stored = await this.#queries.selectFrom('accounts').selectAll().orderBy('createdUs').orderBy('id').execute();
    return stored.map((account) => CODEC.row(account));
  }

  /** Those that have a webhook. */
  async webhooks(): Promise<Pick<AccountRow, 'id' | 'webhookUrl' | 'webhookSecret'>[]> {
    return this.#queries
      .selectFrom('accounts')
      .select(['id', 'webhookUrl', 'webhookSecret'])
      .where('webhookUrl', 'is not', null)
      .execute();
  }

  async isEmpty(): Promise<boolean> {
    const one = await this.#queries.selectFrom('accounts').select('id').limit(1).executeTakeFirst();
    return one === undefined;
  }

  /** @returns false when there is none of that id */
  async update(id: string, patch: AccountPatch): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('accounts')
      // The id as it is: a patch may be empty, an update not.
      .set({ ...CODEC.patch(patch), id })
      .where('id', '=', id)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** @returns false when there was none */
  async remove(id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries.deleteFrom('accounts').where('id', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
