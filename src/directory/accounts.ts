/** The accounts, their first keys, and Kazoo's documents of them. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { AccountRow, JsonObject } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { accountDocument, type DocumentRules, patchedDocument, readDocument } from './document-fields.ts';
import { found, notFound } from './found.ts';
import { hashOf, newId, newKey } from './secrets.ts';

export type NewAccount = {
  readonly account: AccountRow;
  readonly keyId: string;
  /** 64 hex digits, told here and never again. */
  readonly apiKey: string;
};

export type AccountsOptions = { readonly clock: Clock; readonly random: RandomBytes; readonly rules: DocumentRules };

export class Accounts {
  readonly #store: Store;
  readonly #options: AccountsOptions;

  constructor(store: Store, options: AccountsOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * @param announce is told the key before anything is stored, so that none is made that nobody has. When it throws, no account is made.
   * @throws FIELDS_INVALID for the name
   */
  async create(name: string, isAdmin: boolean, announce?: (made: NewAccount) => Promise<void>): Promise<NewAccount> {
    const { clock, random, rules } = this.#options;
    const { ownerId: _, ...fields } = readDocument('account', { name }, rules);
    const account = { id: newId(random), ...fields, createdUs: Math.round(clock.now()) };
    const made = { account, keyId: newId(random), apiKey: newKey(random) };
    await announce?.(made);
    await this.#store.atomically(async ({ accounts, keys }) => {
      const { id: accountId, createdUs } = account;
      await accounts.insert(account);
      await keys.insert({ id: made.keyId, accountId, hash: hashOf(made.apiKey), isAdmin, createdUs });
    });
    return made;
  }

  /** @throws NOT_FOUND, as every method that takes an id */
  async get(id: string): Promise<AccountRow> {
    return found(await this.#store.accounts.get(id), id);
  }

  list(): Promise<AccountRow[]> {
    return this.#store.accounts.list();
  }

  isEmpty(): Promise<boolean> {
    return this.#store.accounts.isEmpty();
  }

  /** Null removes a property. @throws FIELDS_INVALID */
  patch(id: string, patch: unknown): Promise<AccountRow> {
    return this.#change(id, (row) => patchedDocument('account', accountDocument(row), patch));
  }

  /** What `fields` does not have is gone. @throws FIELDS_INVALID */
  replace(id: string, fields: unknown): Promise<AccountRow> {
    return this.#change(id, () => fields);
  }

  async setMetaflows(id: string, metaflows: JsonObject | null): Promise<void> {
    if (!(await this.#store.accounts.update(id, { metaflows }))) throw notFound(id);
  }

  /** @returns what was there. @throws CONFLICT when nobody could make accounts any more */
  remove(id: string): Promise<AccountRow> {
    return this.#store.atomically(async ({ accounts, keys }) => {
      const row = found(await accounts.get(id), id);
      const hasAdmin = (await keys.ofAccount(id)).some(({ isAdmin }) => isAdmin);
      if (hasAdmin && !(await keys.isAdminElsewhere(id))) {
        throw new AppError('CONFLICT', 'this account has the only admin key');
      }
      await accounts.remove(id);
      return row;
    });
  }

  #change(id: string, change: (row: AccountRow) => unknown): Promise<AccountRow> {
    return this.#store.atomically(async ({ accounts }) => {
      const row = found(await accounts.get(id), id);
      const { ownerId: _, ...fields } = readDocument('account', change(row), this.#options.rules);
      await accounts.update(id, fields);
      return { ...row, ...fields };
    });
  }
}
