/** Who a key or a token belongs to. Tokens live an hour since they were last used; nothing is told about why one is refused. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { Store } from '../store/store.ts';
import { hashOf, isSameHash, newToken, secretKind } from './secrets.ts';

/** Who asks: the key, or the key that a token was made from. */
export type Principal = { readonly accountId: string; readonly keyId: string; readonly isAdmin: boolean };

const MINUTE_US = 60_000_000;
export const TOKEN_LIFE_US = 60 * MINUTE_US;
/** A use is written down this often, not with every request. */
const TOUCH_INTERVAL_US = MINUTE_US;
const SWEEP_INTERVAL_US = 10 * MINUTE_US;

export class Sessions {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  #sweptUs = Number.NEGATIVE_INFINITY;

  constructor(store: Store, options: { readonly clock: Clock; readonly random: RandomBytes }) {
    this.#store = store;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** @throws UNAUTHENTICATED */
  async exchange(apiKey: string): Promise<{ token: string; principal: Principal }> {
    const principal = secretKind(apiKey) === 'key' ? await this.#ofKey(apiKey) : undefined;
    if (principal === undefined) throw new AppError('UNAUTHENTICATED', 'invalid credentials');
    const nowUs = this.#clock.now();
    await this.#sweep(nowUs);
    const token = newToken(this.#random);
    await this.#store.tokens.insert({ hash: hashOf(token), ...principal, expiresUs: nowUs + TOKEN_LIFE_US });
    return { token, principal };
  }

  /** @param secret anything a client sent as a token or a key */
  async principalOf(secret: string): Promise<Principal | undefined> {
    switch (secretKind(secret)) {
      case 'key':
        return this.#ofKey(secret);
      case 'token':
        return this.#ofToken(secret);
      default:
        return undefined;
    }
  }

  async #ofKey(apiKey: string): Promise<Principal | undefined> {
    const hash = hashOf(apiKey);
    const row = await this.#store.keys.byHash(hash);
    if (row === undefined || !isSameHash(row.hash, hash)) return undefined;
    return { accountId: row.accountId, keyId: row.id, isAdmin: row.isAdmin };
  }

  async #ofToken(token: string): Promise<Principal | undefined> {
    const hash = hashOf(token);
    const row = await this.#store.tokens.byHash(hash);
    const nowUs = this.#clock.now();
    if (row === undefined || !isSameHash(row.hash, hash) || row.expiresUs <= nowUs) return undefined;
    const expiresUs = nowUs + TOKEN_LIFE_US;
    if (expiresUs - row.expiresUs >= TOUCH_INTERVAL_US) {
      // A database that can't be written to must not keep anyone from masking; the token then ends with its hour.
      await this.#store.tokens.touch(hash, expiresUs).catch(() => {});
    }
    return { accountId: row.accountId, keyId: row.keyId, isAdmin: row.isAdmin };
  }

  async #sweep(nowUs: number): Promise<void> {
    if (Math.abs(nowUs - this.#sweptUs) < SWEEP_INTERVAL_US) return;
    this.#sweptUs = nowUs;
    await this.#store.tokens.removeExpired(nowUs);
  }
}
