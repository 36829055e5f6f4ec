/**
 * Notices that the event loop stood still: packets that came meanwhile waited in their sockets, one leg's are read before another's, and
 * none says how long it waited. Ticked every few milliseconds; pure. Times in µs.
 */

/** How often it is to be ticked. */
export const LOOK_MS = 5;
/** Ticks later than this are noticed: a frame's length. */
const NOTICED_US = 20_000;
/** What has waited is read within this, many turns of the loop. */
const READ_WITHIN_US = 60_000;

export class LoopWatch {
  #tickUs: number;
  #stalledFromUs = 0;
  #readByUs = Number.NEGATIVE_INFINITY;
  #waiting: (() => void)[] = [];

  constructor(nowUs: number) {
    this.#tickUs = nowUs;
  }

  /** The loop goes round. */
  tick(nowUs: number): void {
    this.#look(nowUs);
    this.#tickUs = nowUs;
    if (nowUs < this.#readByUs || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const work of waiting) work();
  }

  /** Since when a packet that is read now may have waited: `nowUs` itself while the loop goes round. */
  sinceUs(nowUs: number): number {
    this.#look(nowUs);
    return nowUs < this.#readByUs ? this.#stalledFromUs : nowUs;
  }

  /** Does it when all that waited has been read. */
  afterwards(work: () => void): void {
    this.#waiting.push(work);
  }

  #look(nowUs: number): void {
    if (nowUs - this.#tickUs <= NOTICED_US) return;
    // One stall after another, before the first was read, is one.
    if (this.#tickUs >= this.#readByUs) this.#stalledFromUs = this.#tickUs;
    this.#readByUs = nowUs + READ_WITHIN_US;
  }
}
