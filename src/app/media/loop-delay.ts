/** How late a thread's event loop is, for `/metrics`: by what runs there, or because it was not let run. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;

export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  /** Of the thread that makes it. */
  constructor() {
    this.#histogram.enable();
  }

  /** @returns seconds, of the worst 1 % of looks since it was last asked */
  take(): number {
    const seconds = this.#histogram.percentile(99) / NANOSECONDS;
    this.#histogram.reset();
    return seconds;
  }

  close(): void {
    this.#histogram.disable();
  }
}
