/**
 * The recordings' keys, one each: made when a recording begins, kept wrapped by the master key, destroyed with the recording. No key
 * leaves it but as a `SealKey`, and none is in a log or an error.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { AppError, systemCode } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import { makeFolder } from '../make-folder.ts';
import { KeyFiles } from './key-files.ts';
import { MasterKeys, WRAPPED_KEY_BYTES } from './master-keys.ts';
import { newSealKey, type SealKey } from './seal-key.ts';
import { openSealedText, sealedText } from './sealed-text.ts';

/** What a worker thread opens the same vault with (`Vault.share`). */
export type VaultShare = { readonly keys: string; readonly masters: readonly KeyObject[] };

export type Rewrapped = {
  /** Keys that the first master key has taken over. */
  readonly count: number;
  /** Keys that no master key opens, or that can't be read. */
  readonly unusable: number;
};

/** What the store's own key is for, in its wrap. */
const STORE = 'the store';

export class Vault {
  readonly #files: KeyFiles;
  readonly #master: MasterKeys;
  readonly #random: RandomBytes;
  readonly #store: SealKey;
  /** Keys whose files are not durable yet. */
  readonly #made = new Map<string, Promise<void>>();
  /** One write after another for each file: a key that is destroyed must not come back under a new wrap. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /**
   * Makes the folder, and the store's own key where there is none.
   * @param options.keys folder of the wrapped keys
   * @throws KEY_UNUSABLE when the master keys are others than those that the keys were sealed by; the operating system's error
   */
  static async open(options: { keys: string; master: MasterKeys; random?: RandomBytes }): Promise<Vault> {
    const { keys, master, random = randomBytes } = options;
    await makeFolder(keys);
    const files = new KeyFiles(keys);
    const known = await checkKeys(keys, master);
    if (known !== undefined) return new Vault(files, master, random, known);
    const store = newSealKey(random);
    // Whole or not there: half of it would be taken for damage at the next start.
    await files.replace(files.storePath, master.wrap(store, STORE));
    return new Vault(files, master, random, store);
  }

  private constructor(files: KeyFiles, master: MasterKeys, random: RandomBytes, store: SealKey) {
    this.#files = files;
    this.#master = master;
    this.#random = random;
    this.#store = store;
  }

  get share(): VaultShare {
    return { keys: this.#files.folder, masters: this.#master.keys };
  }

  /** A new recording's key, at once; nothing may be written under it before `durable`. */
  create(accountId: string, id: string): SealKey {
    const path = this.#files.path(accountId, id);
    const key = newSealKey(this.#random);
    const durable = this.#inTurn(path, () =>
      this.#files.add(path, this.#master.wrap(key, purposeOf(accountId, id))).catch((cause: unknown) => {
        const why = systemCode(cause) ?? 'unknown';
        throw new AppError('JOURNAL_UNWRITABLE', `the key of recording ${id} can't be kept (${why})`, { cause });
      }),
    );
    this.#made.set(id, durable);
    const forget = (): void => void this.#made.delete(id);
    durable.then(forget, forget);
    return key;
  }

  /** Resolves when the key that was just made is on disk. @throws JOURNAL_UNWRITABLE */
  async durable(id: string): Promise<void> {
    await this.#made.get(id);
  }

  /**
   * @returns undefined for a recording that has none, or none any more; what is sealed says so itself
   * @throws KEY_UNUSABLE when there is one that the master keys don't open, or can't be read
   */
  async keyOf(accountId: string, id: string): Promise<SealKey | undefined> {
    const path = this.#files.path(accountId, id);
    await this.#turns.get(path)?.catch(() => {});
    const wrapped = await this.#files.read(path);
    return wrapped === undefined || isBlank(wrapped)
      ? undefined
      : this.#master.unwrap(wrapped, purposeOf(accountId, id));
  }

  /** What was sealed under it can be read by nobody any more. Idempotent. @throws the operating system's error */
  async destroy(accountId: string, id: string): Promise<void> {
    const path = this.#files.path(accountId, id);
    await this.#inTurn(path, () => this.#files.destroy(path));
  }

  /** Every recording's key, in no order: whose it is, and the file it is in. */
  find(): ReturnType<KeyFiles['find']> {
    return this.#files.find();
  }

  /** Seals a small secret that is to be kept elsewhere. @param purpose whose and what it is: it opens for no other */
  sealText(plain: string, purpose = ''): string {
    return sealedText(this.#store, plain, purpose, this.#random);
  }

  /** @throws KEY_UNUSABLE for what `sealText` did not give for this purpose */
  openText(sealed: string, purpose = ''): string {
    return openSealedText(this.#store, sealed, purpose);
  }

  /**
   * Brings every key under the first master key, the store's last: while one is left, the old master key is asked for. Can be broken
   * off anywhere and done again.
   * @throws the signal's reason; the operating system's error
   */
  async rewrap(signal?: AbortSignal): Promise<Rewrapped> {
    let count = 0;
    let unusable = 0;
    for await (const { accountId, id, path } of this.#files.find()) {
      signal?.throwIfAborted();
      try {
        if (await this.#inTurn(path, () => this.#rewrapOne(path, purposeOf(accountId, id)))) count++;
      } catch (error) {
        // One that could not be read may be under an old key still: no key may be given up for it.
        const isRead = error instanceof AppError && systemCode(error.cause) === undefined;
        if (!isRead || error.code !== 'KEY_UNUSABLE') throw error;
        unusable++;
      }
    }
    const { storePath } = this.#files;
    if (await this.#inTurn(storePath, () => this.#rewrapOne(storePath, STORE))) count++;
    return { count, unusable };
  }

  async #rewrapOne(path: string, purpose: string): Promise<boolean> {
    const wrapped = await this.#files.read(path);
    // It may have been destroyed a moment ago.
    if (wrapped === undefined || isBlank(wrapped) || this.#master.isCurrent(wrapped)) return false;
    await this.#files.replace(path, this.#master.wrap(this.#master.unwrap(wrapped, purpose), purpose));
    return true;
  }

  #inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(path)?.catch(() => {}) ?? Promise.resolve();
    const turn = before.then(work);
    this.#turns.set(path, turn);
    const forget = (): void => {
      if (this.#turns.get(path) === turn) this.#turns.delete(path);
    };
    turn.then(forget, forget);
    return turn;
  }
}

/**
 * Whether these are the right master keys. Changes nothing.
 * @returns the store's own key; undefined when there is none yet
 * @throws KEY_UNUSABLE
 */
export const checkKeys = async (keys: string, master: MasterKeys): Promise<SealKey | undefined> => {
  const files = new KeyFiles(keys);
  const wrapped = await files.read(files.storePath);
  if (wrapped !== undefined) return master.unwrap(wrapped, STORE);
  // Without it any other one tells.
  for await (const { accountId, id, path } of files.find()) {
    const other = await files.read(path);
    if (other === undefined || isBlank(other)) continue;
    master.unwrap(other, purposeOf(accountId, id));
    break;
  }
  return undefined;
};

/**
 * What a crash leaves of a key that was being made, under which nothing was written yet, or that was being destroyed: it is none.
 */
const isBlank = (wrapped: Uint8Array): boolean =>
  wrapped.length < WRAPPED_KEY_BYTES || wrapped.every((byte) => byte === 0);

const purposeOf = (accountId: string, id: string): string => `${accountId}/${id}`;

/** The vault that another thread shares. @throws as `Vault.open` */
export const openShared = ({ keys, masters }: VaultShare): Promise<Vault> =>
  Vault.open({ keys, master: new MasterKeys(masters) });
