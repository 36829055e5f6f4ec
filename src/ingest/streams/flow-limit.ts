/** How much a stream may bring: a bucket that fills by the second and holds a burst, such as what a stalled path brings at once. Pure. */

export class FlowLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #atUs: number | undefined;

  constructor(options: { perSecond: number; burst: number }) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#left = options.burst;
  }

  /** Takes `amount` out. @returns false when there is not so much in it: then nothing is taken */
  take(amount: number, nowUs: number): boolean {
    const sinceUs = Math.max(0, nowUs - (this.#atUs ?? nowUs));
    this.#atUs = nowUs;
    this.#left = Math.min(this.#burst, this.#left + (sinceUs * this.#perSecond) / 1e6);
    if (amount > this.#left) return false;
    this.#left -= amount;
    return true;
  }
}
