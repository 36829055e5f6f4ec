/** The API keys, by their hashes. Removing one removes its tokens. */
import { RowCodec } from './row-codec.ts';
import type { KeyRow } from './rows.ts';
import type { Queries } from './schema.ts';

const CODEC = new RowCodec<KeyRow>({
  id: 'plain',
  accountId: 'plain',
  hash: 'plain',
  isAdmin: 'truth',
  createdUs: 'whole',
});

export class KeyTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** @throws CONFLICT when its account is gone, or the key is there */
  async insert(row: KeyRow): Promise<void> {
    await this.#queries.insertInto('apiKeys').values(CODEC.stored(row)).execute();
  }

  async byHash(hash: string): Promise<KeyRow | undefined> {
    const stored = await this.#queries.selectFrom('apiKeys').selectAll().where('hash', '=', hash).executeTakeFirst();
    return stored && CODEC.row(stored);
  }

  /** Oldest first. */
  async ofAccount(accountId: string): Promise<KeyRow[]> {
    const stored = await this.#queries
      .selectFrom('apiKeys')
      .selectAll()
      .where('accountId', '=', accountId)
      .orderBy('createdUs')
      .orderBy('id')
      .execute();
    return stored.map((key) => CODEC.row(key));
  }

  /** The accounts that have an admin key, by id. */
  async adminAccounts(): Promise<string[]> {
    const stored = await this.#queries
      .selectFrom('apiKeys')
      .select('accountId')
      .distinct()
      .where('isAdmin', '=', 1)
      .orderBy('accountId')
      .execute();
    return stored.map(({ accountId }) => accountId);
  }

  /** Whether another account than this has an admin key. */
  async isAdminElsewhere(accountId: string): Promise<boolean> {
    const one = await this.#queries
      .selectFrom('apiKeys')
      .select('id')
      .where('isAdmin', '=', 1)
      .where('accountId', '!=', accountId)
      .limit(1)
      .executeTakeFirst();
    return one !== undefined;
  }

  /** @returns false when the account has no such key */
  async remove(accountId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('apiKeys')
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
