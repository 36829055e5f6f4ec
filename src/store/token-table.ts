/** Tokens made from keys, by their hashes. */
import { RowCodec } from './row-codec.ts';
import type { TokenRow } from './rows.ts';
import type { Queries } from './schema.ts';

const CODEC = new RowCodec<TokenRow>({
  hash: 'plain',
  keyId: 'plain',
  accountId: 'plain',
  isAdmin: 'truth',
  expiresUs: 'whole',
});

export class TokenTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** @throws CONFLICT when its key is gone */
  async insert(row: TokenRow): Promise<void> {
    await this.#queries.insertInto('tokens').values(CODEC.stored(row)).execute();
  }

  /** Also one that has expired and was not removed yet. */
  async byHash(hash: string): Promise<TokenRow | undefined> {
    const stored = await this.#queries.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst();
    return stored && CODEC.row(stored);
  }

  /** Lets it live until `expiresUs`, if that is later. */
  async touch(hash: string, expiresUs: number): Promise<void> {
    const later = Math.round(expiresUs);
    await this.#queries
      .updateTable('tokens')
      .set({ expiresUs: later })
      .where('hash', '=', hash)
      .where('expiresUs', '<', later)
      .execute();
  }

  /** @returns how many there were */
  async removeExpired(nowUs: number): Promise<number> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('tokens')
      .where('expiresUs', '<=', Math.round(nowUs))
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  async removeOfKey(keyId: string): Promise<void> {
    await this.#queries.deleteFrom('tokens').where('keyId', '=', keyId).execute();
  }
}
