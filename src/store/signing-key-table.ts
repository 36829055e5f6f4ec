/** The public keys that this installation has signed with: one that is gone must not be replaced without a word. */
import type { SigningKeyRow } from './rows.ts';
import type { Queries } from './schema.ts';

export class SigningKeyTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** In the order in which they came into use. */
  list(): Promise<SigningKeyRow[]> {
    return this.#queries.selectFrom('signingKeys').selectAll().orderBy('firstUs').orderBy('keyId').execute();
  }

  /** Keeps it. @returns false when it was there */
  async add(row: SigningKeyRow): Promise<boolean> {
    const { numInsertedOrUpdatedRows: inserted } = await this.#queries
      .insertInto('signingKeys')
      .values({ ...row, firstUs: Math.round(row.firstUs) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return inserted !== 0n;
  }
}
