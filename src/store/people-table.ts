/** An account's users and devices. A device names its user, who need not be there. */
import { RowCodec } from './row-codec.ts';
import type { PersonKind, PersonRow } from './rows.ts';
import type { Queries } from './schema.ts';

const CODEC = new RowCodec<PersonRow>({
  accountId: 'plain',
  id: 'plain',
  kind: 'plain',
  name: 'plain',
  ownerId: 'plain',
  metaflows: 'json',
  callRecording: 'json',
  extra: 'json',
  createdUs: 'whole',
});

export class PeopleTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** Makes the person, or replaces all of it but when it was made. @throws CONFLICT when its account is gone */
  async put(row: PersonRow): Promise<void> {
    const { accountId, kind, id, createdUs, ...rest } = CODEC.stored(row);
    await this.#queries
      .insertInto('people')
      .values({ accountId, kind, id, createdUs, ...rest })
      .onConflict((conflict) => conflict.columns(['accountId', 'kind', 'id']).doUpdateSet(rest))
      .execute();
  }

  async get(accountId: string, kind: PersonKind, id: string): Promise<PersonRow | undefined> {
    const stored = await this.#queries
      .selectFrom('people')
      .selectAll()
      .where('accountId', '=', accountId)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst();
    return stored && CODEC.row(stored);
  }

  /** By id. @param ownerId only that user's devices */
  async list(accountId: string, kind: PersonKind, ownerId?: string): Promise<PersonRow[]> {
    const all = this.#queries
      .selectFrom('people')
      .selectAll()
      .where('accountId', '=', accountId)
      .where('kind', '=', kind);
    const wanted = ownerId === undefined ? all : all.where('ownerId', '=', ownerId);
    return (await wanted.orderBy('id').execute()).map((person) => CODEC.row(person));
  }

  /** @returns false when there was none */
  async remove(accountId: string, kind: PersonKind, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('people')
      .where('accountId', '=', accountId)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
