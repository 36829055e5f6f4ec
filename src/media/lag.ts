/** The least lag that a stream's packets have all had for one to two windows: a queue, a clock or a pause, not jitter. Pure. */

/** Fewer packets say nothing. */
const LEAST_PACKETS = 5;

export class PersistentLag {
  readonly #windowUs: number;
  #sinceUs = Number.NEGATIVE_INFINITY;
  #least = Number.POSITIVE_INFINITY;
  #count = 0;
  /** Of the bucket before; 0 where there is none that counts. */
  #before = 0;

  constructor(windowUs: number) {
    this.#windowUs = windowUs;
  }

  /** µs; 0 while it isn't known. */
  get us(): number {
    return this.#count >= LEAST_PACKETS ? Math.min(this.#before, this.#least) : this.#before;
  }

  add(lagUs: number, nowUs: number): void {
    if (nowUs - this.#sinceUs >= this.#windowUs) {
      this.#before = this.#count >= LEAST_PACKETS ? Math.max(0, this.#least) : 0;
      this.#sinceUs = nowUs;
      this.#least = Number.POSITIVE_INFINITY;
      this.#count = 0;
    }
    if (lagUs < this.#least) this.#least = lagUs;
    this.#count++;
    // One packet on the line ends it at once.
    if (lagUs < this.#before) this.#before = Math.max(0, lagUs);
  }

  reset(): void {
    this.#sinceUs = Number.NEGATIVE_INFINITY;
    this.#least = Number.POSITIVE_INFINITY;
    this.#count = 0;
    this.#before = 0;
  }
}
