/** Nonces of signatures that were taken, for as long as a signature lives. Only what was validly signed gets here. */

const LIFE_SECONDS = 20;
const MOST = 100_000;

export class SeenNonces {
  /** Nonce → when it may be forgotten; in the order in which they came. */
  readonly #seen = new Map<string, number>();

  /** Notes it. False when it was seen before, and when so many are remembered that another can't be. */
  isNew(nonce: string, nowSeconds: number): boolean {
    for (const [old, until] of this.#seen) {
      if (until > nowSeconds) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(nonce) || this.#seen.size >= MOST) return false;
    this.#seen.set(nonce, nowSeconds + LIFE_SECONDS);
    return true;
  }
}
