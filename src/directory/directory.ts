/**
 * Accounts, their users and devices, who may ask for what, and what is to happen on a call by their settings. Every method takes the
 * account first and finds nothing of another one's.
 */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { AccountRow, JsonObject, PersonKind, PersonRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { Accounts, type AccountsOptions, type ChangedAccount, type NewAccount } from './accounts.ts';
import { type AutomaticRecording, type Direction, type Network, resolveRecordings } from './automatic-recording.ts';
import type { UrlJudge } from './call-recording.ts';
import { mergeLevels } from './json-merge.ts';
import { endpointOf, findParty, type Party } from './party.ts';
import { People } from './people.ts';
import { type Principal, Sessions } from './sessions.ts';
import type { StreamKeySeal, StreamKeys } from './stream-keys.ts';

/** Whose metaflows: the account's own, a user's or a device's. */
export type Scope = {
  readonly accountId: string;
  readonly userId?: string | undefined;
  readonly deviceId?: string | undefined;
};

export type DirectoryOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Judges `url`s of `call_recording` by where they point, throwing an AppError; by their form they are judged anyway. */
  readonly judgeUrl?: UrlJudge;
  /** Judges `metaflows` inside documents and gives them as they are to be stored; without it they are taken as they are. */
  readonly readMetaflows?: (value: JsonObject) => JsonObject;
  /** Seals the secrets of webhooks for the store; without it there can be none. */
  readonly sealSecret?: AccountsOptions['sealSecret'];
  readonly onWebhook?: AccountsOptions['onWebhook'];
  /** Seals the keys of streams; without it there can be none. */
  readonly streamKeySeal?: AccountsOptions['streamKeySeal'];
};

const unsealed = (): never => {
  throw new AppError('INTERNAL', 'nothing seals the keys of streams');
};
const NO_SEAL: StreamKeySeal = { seal: unsealed, open: unsealed };

export class Directory {
  readonly #store: Store;
  readonly #accounts: Accounts;
  readonly #people: People;
  readonly #sessions: Sessions;

  constructor(
    store: Store,
    {
      clock,
      random,
      judgeUrl = () => {},
      readMetaflows = (value) => value,
      sealSecret = () => {
        throw new AppError('INTERNAL', 'nothing seals the secret of a webhook');
      },
      onWebhook = () => {},
      streamKeySeal = NO_SEAL,
    }: DirectoryOptions,
  ) {
    const options = { clock, random, rules: { judgeUrl, readMetaflows }, sealSecret, onWebhook, streamKeySeal };
    this.#store = store;
    this.#accounts = new Accounts(store, options);
    this.#people = new People(store, options);
    this.#sessions = new Sessions(store, options);
  }

  // Accounts, and who may ask.

  /**
   * @param announce is told the key before anything is stored, so that none is made that nobody has. When it throws, no account is made.
   * @throws FIELDS_INVALID for the name
   */
  createAccount(name: string, isAdmin = false, announce?: (made: NewAccount) => Promise<void>): Promise<NewAccount> {
    return this.#accounts.create(name, isAdmin, announce);
  }

  /** @throws NOT_FOUND, as every method that takes an id */
  account(id: string): Promise<AccountRow> {
    return this.#accounts.get(id);
  }

  /** In the order they were made. */
  listAccounts(): Promise<AccountRow[]> {
    return this.#accounts.list();
  }

  async hasAccounts(): Promise<boolean> {
    return !(await this.#accounts.isEmpty());
  }

  /** The keys of its voice servers' streams. @throws NOT_FOUND, KEY_UNUSABLE */
  streamKeys(accountId: string): Promise<StreamKeys | undefined> {
    return this.#accounts.streamKeys(accountId);
  }

  /** Kazoo's PATCH: null removes a property. @throws FIELDS_INVALID */
  updateAccount(id: string, patch: unknown): Promise<ChangedAccount> {
    return this.#accounts.patch(id, patch);
  }

  /** Kazoo's POST: what `fields` does not have is gone. @throws FIELDS_INVALID */
  replaceAccount(id: string, fields: unknown): Promise<ChangedAccount> {
    return this.#accounts.replace(id, fields);
  }

  /** With its people, keys and tokens; its recordings stay. @returns what was there. @throws CONFLICT when it has the only admin key */
  removeAccount(id: string): Promise<AccountRow> {
    return this.#accounts.remove(id);
  }

  /** A token for a key. @throws UNAUTHENTICATED */
  exchange(apiKey: string): Promise<{ token: string; principal: Principal }> {
    return this.#sessions.exchange(apiKey);
  }

  /** Undefined for anything that is no token or key of ours, or has expired. */
  principalOf(tokenOrKey: string): Promise<Principal | undefined> {
    return this.#sessions.principalOf(tokenOrKey);
  }

  // Users and devices.

  person(accountId: string, kind: PersonKind, id: string): Promise<PersonRow> {
    return this.#people.get(accountId, kind, id);
  }

  /** By id. @param ownerId only that user's devices */
  listPeople(accountId: string, kind: PersonKind, ownerId?: string): Promise<PersonRow[]> {
    return this.#people.list(accountId, kind, ownerId);
  }

  /** Makes or replaces. @param id undefined for a new one. @throws FIELDS_INVALID, also for an id that none can have */
  putPerson(accountId: string, kind: PersonKind, id: string | undefined, fields: unknown): Promise<PersonRow> {
    return this.#people.put(accountId, kind, id, fields);
  }

  /** Null removes a property. @throws FIELDS_INVALID */
  patchPerson(accountId: string, kind: PersonKind, id: string, patch: unknown): Promise<PersonRow> {
    return this.#people.patch(accountId, kind, id, patch);
  }

  /** A user's devices stay, and keep its id as their owner's. @returns what was there */
  removePerson(accountId: string, kind: PersonKind, id: string): Promise<PersonRow> {
    return this.#people.remove(accountId, kind, id);
  }

  // Metaflows, and what a call does by itself.

  /** As stored; `{}` when there are none. An unknown user or device is NOT_FOUND, never the account (kazoo-contract §11). */
  async metaflows(scope: Scope): Promise<JsonObject> {
    const { accountId } = scope;
    const person = personIn(scope);
    const row = person === undefined ? await this.account(accountId) : await this.person(accountId, ...person);
    return row.metaflows ?? {};
  }

  /** @param document judged and filled in already */
  async setMetaflows(scope: Scope, document: JsonObject): Promise<JsonObject> {
    const { accountId } = scope;
    const person = personIn(scope);
    const metaflows = Object.keys(document).length === 0 ? null : document;
    if (person === undefined) await this.#accounts.setMetaflows(accountId, metaflows);
    else await this.#people.change(accountId, ...person, () => ({ metaflows }));
    return document;
  }

  async removeMetaflows(scope: Scope): Promise<void> {
    await this.setMetaflows(scope, {});
  }

  /**
   * The metaflows that count for a party: user before device before account, merged (kazoo-contract §5.1). A device's owner is its user.
   * @returns undefined when there are none. Each was valid; what they make together need not be.
   */
  async metaflowsFor(accountId: string, party: Party): Promise<JsonObject | undefined> {
    const account = await this.account(accountId);
    const { user, device } = await findParty(this.#store, accountId, party);
    const merged = mergeLevels([user, device, account].map((row) => row?.metaflows ?? {}));
    return Object.keys(merged).length === 0 ? undefined : merged;
  }

  /** Which recordings begin with a call, by whose settings (kazoo-contract §7.1). @param call.direction undefined when nobody said */
  async automaticRecordings(
    accountId: string,
    call: {
      readonly direction?: Direction | undefined;
      readonly network: Network;
      readonly caller?: Party | undefined;
      readonly callee?: Party | undefined;
    },
  ): Promise<AutomaticRecording[]> {
    const { direction, network } = call;
    const { callRecording } = await this.account(accountId);
    const caller = endpointOf(await findParty(this.#store, accountId, call.caller ?? {}));
    const callee = endpointOf(await findParty(this.#store, accountId, call.callee ?? {}));
    return resolveRecordings(callRecording ?? {}, { direction, network, caller, callee });
  }
}

/** The arguments that name the scope's user or device; undefined for the account's own. */
const personIn = ({ userId, deviceId }: Scope): [PersonKind, string] | undefined => {
  if (userId !== undefined) return ['user', userId];
  return deviceId === undefined ? undefined : ['device', deviceId];
};
