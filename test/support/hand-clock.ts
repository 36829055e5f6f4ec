import type { Clock } from '../../src/core/clock.ts';

type Sleeper = { readonly atUs: number; readonly wake: () => void };

/** Time that passes when a test says so; whoever sleeps is woken in the order of the times slept for. */
export class HandClock implements Clock {
  nowUs: number;
  #sleepers: Sleeper[] = [];

  constructor(nowUs = Date.UTC(2026, 10, 22) * 1000) {
    this.nowUs = nowUs;
  }

  now(): number {
    return this.nowUs;
  }

  /** How many are asleep. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        atUs: this.nowUs + delayMs * 1000,
        wake: () => {
          signal?.removeEventListener('abort', give);
          resolve();
        },
      };
      const give = (): void => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', give, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Lets time pass, and whoever wakes act, before it goes on. */
  async advance(delayMs: number): Promise<void> {
    const untilUs = this.nowUs + delayMs * 1000;
    for (;;) {
      const next = this.#sleepers.filter(({ atUs }) => atUs <= untilUs).sort((a, b) => a.atUs - b.atUs)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      this.nowUs = Math.max(this.nowUs, next.atUs);
      next.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.nowUs = untilUs;
  }
}
