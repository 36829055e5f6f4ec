/** The users and devices of accounts, by Kazoo's documents. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { printable } from '../core/field-errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { PersonKind, PersonRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { type DocumentRules, PERSON_ID, patchedDocument, personDocument, readDocument } from './document-fields.ts';
import { found } from './found.ts';
import { newId } from './secrets.ts';

export type PeopleOptions = { readonly clock: Clock; readonly random: RandomBytes; readonly rules: DocumentRules };

export class People {
  readonly #store: Store;
  readonly #options: PeopleOptions;

  constructor(store: Store, options: PeopleOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** @throws NOT_FOUND, as every method that takes an id */
  async get(accountId: string, kind: PersonKind, id: string): Promise<PersonRow> {
    return found(await this.#store.people.get(accountId, kind, id), id);
  }

  /** By id. @param ownerId only that user's devices */
  list(accountId: string, kind: PersonKind, ownerId?: string): Promise<PersonRow[]> {
    return this.#store.people.list(accountId, kind, ownerId);
  }

  /** Makes or replaces. @param id undefined for a new one. @throws FIELDS_INVALID, also for an id that none can have */
  async put(accountId: string, kind: PersonKind, id: string | undefined, fields: unknown): Promise<PersonRow> {
    const { clock, random, rules } = this.#options;
    const said = readDocument(kind, fields, rules);
    const row = { accountId, id: id ?? newId(random), kind, ...said, createdUs: clock.now() };
    if (!new RegExp(PERSON_ID).test(row.id)) throw badId(row.id);
    return this.#store.atomically(async ({ accounts, people }) => {
      found(await accounts.get(accountId), accountId);
      await checkOwner(people, row, await people.get(accountId, kind, row.id));
      await people.put(row);
      return found(await people.get(accountId, kind, row.id), row.id);
    });
  }

  /** Null removes a property. @throws FIELDS_INVALID */
  patch(accountId: string, kind: PersonKind, id: string, patch: unknown): Promise<PersonRow> {
    const { rules } = this.#options;
    return this.change(accountId, kind, id, (row) =>
      readDocument(kind, patchedDocument(kind, personDocument(row), patch), rules),
    );
  }

  /** @param change what to change of the row as it is then: nobody else changes it in between */
  change(
    accountId: string,
    kind: PersonKind,
    id: string,
    change: (row: PersonRow) => Partial<PersonRow>,
  ): Promise<PersonRow> {
    return this.#store.atomically(async ({ people }) => {
      const row = found(await people.get(accountId, kind, id), id);
      const changed = { ...row, ...change(row) };
      await checkOwner(people, changed, row);
      await people.put(changed);
      return changed;
    });
  }

  /** @returns what was there */
  remove(accountId: string, kind: PersonKind, id: string): Promise<PersonRow> {
    return this.#store.atomically(async ({ people }) => {
      const row = found(await people.get(accountId, kind, id), id);
      await people.remove(accountId, kind, id);
      return row;
    });
  }
}

/** A device whose user has gone keeps that owner. @throws FIELDS_INVALID for a new one that is no user */
const checkOwner = async (
  people: Pick<Store['people'], 'get'>,
  { accountId, ownerId }: PersonRow,
  before: PersonRow | undefined,
): Promise<void> => {
  if (ownerId === null || ownerId === before?.ownerId) return;
  if ((await people.get(accountId, 'user', ownerId)) !== undefined) return;
  const message = 'there is no user of this id';
  const details = { owner_id: { not_found: { message, value: printable(ownerId) } } };
  throw new AppError('FIELDS_INVALID', `owner_id: ${message}`, { details });
};

const badId = (id: string): AppError => {
  const message = `Failed to match pattern '${PERSON_ID}'`;
  const details = { id: { pattern: { message, target: PERSON_ID, value: printable(id) } } };
  return new AppError('FIELDS_INVALID', `id: ${message}`, { details });
};
