/** What waits its turn, account after account: one that brings thousands at once holds up its own. Pure. */

export class FairQueue<T> {
  /** Accounts in the order in which they are served next; none is empty. */
  readonly #waiting = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(accountId: string, item: T): void {
    const own = this.#waiting.get(accountId);
    if (own === undefined) this.#waiting.set(accountId, [item]);
    else own.push(item);
    this.#size++;
  }

  /** The oldest of the account whose turn it is, which then goes to the end of the line. */
  shift(): T | undefined {
    for (const [accountId, own] of this.#waiting) {
      const item = own.shift()!;
      this.#waiting.delete(accountId);
      if (own.length > 0) this.#waiting.set(accountId, own);
      this.#size--;
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.#waiting.clear();
    this.#size = 0;
  }
}
