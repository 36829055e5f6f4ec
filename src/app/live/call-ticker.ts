/**
 * One clock for all calls: each is ticked once in a period, a slice of them at a time, so that no tick keeps the thread from media
 * for long, however many calls there are. It knows nothing of calls.
 */

export type Ticked = { tick(nowUs: number): void };

/** Runs `work` every `ms` until the returned function is called. */
export type Every = (ms: number, work: () => void) => () => void;

export const everyInterval: Every = (ms, work) => {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
};

/** How often each call is ticked. */
export const TICK_MS = 100;
const SLICES = 10;

export class CallTicker {
  readonly #slices: readonly Set<Ticked>[] = Array.from({ length: SLICES }, () => new Set());
  readonly #now: () => number;
  readonly #onDefect: (error: unknown) => void;
  readonly #stop: () => void;
  readonly #faulty = new WeakSet<Ticked>();
  #next = 0;

  /** @param onDefect told once of what a call's tick throws; the others are ticked all the same. */
  constructor(options: { now: () => number; every: Every; onDefect: (error: unknown) => void }) {
    this.#now = options.now;
    this.#onDefect = options.onDefect;
    this.#stop = options.every(TICK_MS / SLICES, () => this.#tickSlice());
  }

  add(ticked: Ticked): void {
    this.#slices.reduce((least, slice) => (slice.size < least.size ? slice : least)).add(ticked);
  }

  remove(ticked: Ticked): void {
    for (const slice of this.#slices) if (slice.delete(ticked)) return;
  }

  close(): void {
    this.#stop();
  }

  #tickSlice(): void {
    const slice = this.#slices[this.#next];
    this.#next = (this.#next + 1) % SLICES;
    const nowUs = this.#now();
    for (const ticked of slice ?? []) {
      try {
        ticked.tick(nowUs);
      } catch (error) {
        if (!this.#faulty.has(ticked)) this.#onDefect(error);
        this.#faulty.add(ticked);
      }
    }
  }
}
