/** Counts requests without a valid key by the account whose path they were for: guessing a key must not fill an audit. Pure. */

/** For no account, or one too many. */
export const NO_ACCOUNT = '';

/** Whoever guesses may make up accounts too. */
const MOST_ACCOUNTS = 1000;

export type Refusals = { readonly accountId: string; readonly count: number; readonly sinceUs: number };

export class RefusalCounts {
  /** Since the start. */
  total = 0;
  readonly #counts = new Map<string, Refusals>();

  /** @param accountId as it was in the path, whether there is one of that id or not. */
  add(accountId: string | undefined, atUs: number): void {
    this.total++;
    this.#put({ accountId: accountId ?? NO_ACCOUNT, count: 1, sinceUs: atUs });
  }

  /** What was counted since it was last taken. @param accountId only its own */
  take(accountId?: string): Refusals[] {
    const taken = [...this.#counts.values()].filter((each) => accountId === undefined || each.accountId === accountId);
    for (const each of taken) this.#counts.delete(each.accountId);
    return taken;
  }

  /** Because it could not be told. */
  putBack(refusals: readonly Refusals[]): void {
    for (const each of refusals) this.#put(each);
  }

  #put({ accountId, count, sinceUs }: Refusals): void {
    const isKnown = this.#counts.has(accountId) || this.#counts.size < MOST_ACCOUNTS;
    const key = isKnown ? accountId : NO_ACCOUNT;
    const before = this.#counts.get(key) ?? { count: 0, sinceUs };
    this.#counts.set(key, {
      accountId: key,
      count: before.count + count,
      sinceUs: Math.min(before.sinceUs, sinceUs),
    });
  }
}
