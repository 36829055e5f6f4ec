/** The accounts, their first keys, and Kazoo's documents of them. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { AccountRow, JsonObject } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { accountDocument, type DocumentRules, patchedDocument, readAccount } from './document-fields.ts';
import { found, notFound } from './found.ts';
import { isObject } from './json-merge.ts';
import { hashOf, newId, newKey } from './secrets.ts';
import { openStreamKeys, type StreamKeySeal, type StreamKeys, sealStreamKeys } from './stream-keys.ts';
import type { WebhookSettings } from './webhook-settings.ts';

export type NewAccount = {
  readonly account: AccountRow;
  readonly keyId: string;
  /** 64 hex digits, told here and never again. */
  readonly apiKey: string;
};

/** An account after a change. */
export type ChangedAccount = AccountRow & {
  /** Of its webhook, made just now: told here and never again. */
  readonly madeSecret?: string;
};

/** Who is told when an account's webhook may have changed: it is stored by then. Must not throw. */
export type WebhookListener = (
  accountId: string,
  webhook: Pick<AccountRow, 'webhookUrl' | 'webhookSecret'> | undefined,
) => void;

export type AccountsOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly rules: DocumentRules;
  /** Seals the secret of an account's webhook for the store. */
  readonly sealSecret: (accountId: string, secret: string) => string;
  readonly onWebhook: WebhookListener;
  readonly streamKeySeal: StreamKeySeal;
};

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
    const { fields } = readAccount({ name }, rules);
    const noWebhook = { webhookUrl: null, webhookSecret: null, streamKeys: null };
    const account = { id: newId(random), ...fields, ...noWebhook, createdUs: Math.round(clock.now()) };
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

  /** Of its voice servers' streams; undefined where it has none. @throws KEY_UNUSABLE */
  async streamKeys(id: string): Promise<StreamKeys | undefined> {
    return openStreamKeys(await this.get(id), this.#options.streamKeySeal);
  }

  list(): Promise<AccountRow[]> {
    return this.#store.accounts.list();
  }

  isEmpty(): Promise<boolean> {
    return this.#store.accounts.isEmpty();
  }

  /** Null removes a property; the secret of a webhook is made anew. @throws FIELDS_INVALID */
  patch(id: string, patch: unknown): Promise<ChangedAccount> {
    const isNewSecret = isObject(patch) && patch.webhook_secret === null;
    const document = (row: AccountRow): JsonObject => ({ ...accountDocument(row), ...this.#keysToPatch(row, patch) });
    return this.#change(id, (row) => patchedDocument('account', document(row), patch), isNewSecret, saysKeys(patch));
  }

  /** What `fields` does not have is gone, but for the secret of a webhook and the keys of streams, which nobody can read back; null removes these. @throws FIELDS_INVALID */
  replace(id: string, fields: unknown): Promise<ChangedAccount> {
    return this.#change(id, () => fields, false, saysKeys(fields));
  }

  async setMetaflows(id: string, metaflows: JsonObject | null): Promise<void> {
    if (!(await this.#store.accounts.update(id, { metaflows }))) throw notFound(id);
  }

  /** @returns what was there. @throws CONFLICT when nobody could make accounts any more */
  async remove(id: string): Promise<AccountRow> {
    const removed = await this.#store.atomically(async ({ accounts, keys }) => {
      const row = found(await accounts.get(id), id);
      const hasAdmin = (await keys.ofAccount(id)).some(({ isAdmin }) => isAdmin);
      if (hasAdmin && !(await keys.isAdminElsewhere(id))) {
        throw new AppError('CONFLICT', 'this account has the only admin key');
      }
      await accounts.remove(id);
      return row;
    });
    this.#options.onWebhook(id, undefined);
    return removed;
  }

  /** @param hasKeys whether the change says anything of the keys of streams; otherwise they stay */
  async #change(
    id: string,
    change: (row: AccountRow) => unknown,
    isNewSecret: boolean,
    hasKeys: boolean,
  ): Promise<ChangedAccount> {
    const { rules, onWebhook, streamKeySeal } = this.#options;
    const changed = await this.#store.atomically(async ({ accounts }) => {
      const row = found(await accounts.get(id), id);
      const { fields, webhook, streamKeys } = readAccount(change(row), rules);
      const { madeSecret, ...webhookColumns } = this.#webhookOf(row, webhook, isNewSecret);
      const keys = hasKeys ? { streamKeys: sealStreamKeys(id, streamKeys, streamKeySeal) } : {};
      const columns = { ...webhookColumns, ...keys };
      await accounts.update(id, { ...fields, ...columns });
      return { ...row, ...fields, ...columns, ...(madeSecret === undefined ? {} : { madeSecret }) };
    });
    onWebhook(id, changed);
    return changed;
  }

  /** Opened only where a part of them changes. */
  #keysToPatch(row: AccountRow, patch: unknown): { stream_keys?: StreamKeys } {
    if (!isObject(patch) || !isObject(patch.stream_keys)) return {};
    const stream_keys = openStreamKeys(row, this.#options.streamKeySeal);
    return stream_keys === undefined ? {} : { stream_keys };
  }

  /** A webhook has a secret as long as there is one: the given, the one it had, or a new one. */
  #webhookOf(
    row: AccountRow,
    { url, secret }: WebhookSettings,
    isNewSecret: boolean,
  ): Pick<ChangedAccount, 'webhookUrl' | 'webhookSecret' | 'madeSecret'> {
    const { random, sealSecret } = this.#options;
    if (url === null) return { webhookUrl: null, webhookSecret: null };
    if (secret !== undefined) return { webhookUrl: url, webhookSecret: sealSecret(row.id, secret) };
    if (row.webhookSecret !== null && !isNewSecret) return { webhookUrl: url, webhookSecret: row.webhookSecret };
    const madeSecret = newKey(random);
    return { webhookUrl: url, webhookSecret: sealSecret(row.id, madeSecret), madeSecret };
  }
}

const saysKeys = (document: unknown): boolean => isObject(document) && document.stream_keys !== undefined;
