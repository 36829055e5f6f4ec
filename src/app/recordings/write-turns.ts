/**
 * The store's writes that calls cause, one after another with a breath in between: 5,000 calls that end in one second must not hold up
 * the packets of the others. A store that fails for a while is asked again until it answers; what it refuses for good is told.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { type AppError, asAppError } from '../../core/errors.ts';

const FIRST_MS = 250;
const LONGEST_MS = 30_000;

export class WriteTurns {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #onFailure: (error: AppError, key: string) => void;
  #tail: Promise<void> = Promise.resolve();
  readonly #last = new Map<string, Promise<void>>();
  #waiting = 0;

  /** @param signal ends the asking again: what is not written by then stays unwritten. */
  constructor(clock: Clock, signal: AbortSignal, onFailure: (error: AppError, key: string) => void) {
    this.#clock = clock;
    this.#signal = signal;
    this.#onFailure = onFailure;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when it was done or given up: never rejects. @param key whose later reads wait for it, see `of`. */
  add(key: string, write: () => Promise<void>): Promise<void> {
    this.#waiting++;
    const turn = this.#tail.then(async () => {
      try {
        await setImmediate();
        await this.patiently(write);
      } catch (error) {
        this.#onFailure(asAppError(error), key);
      } finally {
        this.#waiting--;
        if (this.#last.get(key) === turn) this.#last.delete(key);
      }
    });
    this.#tail = turn;
    this.#last.set(key, turn);
    return turn;
  }

  /** Resolves when what was added under `key` has had its turn. */
  async of(key: string): Promise<void> {
    await this.#last.get(key);
  }

  async idle(): Promise<void> {
    while (this.#waiting > 0) await this.#tail;
  }

  /** Does `write`, again and again while the store says that it may succeed later. @throws what it refuses for good */
  async patiently<T>(write: () => Promise<T>): Promise<T> {
    for (let delayMs = FIRST_MS; ; delayMs = Math.min(2 * delayMs, LONGEST_MS)) {
      try {
        return await write();
      } catch (error) {
        const failure = asAppError(error);
        if (failure.code !== 'STORE_FAILED' || this.#signal.aborted) throw failure;
        await this.#clock.sleep(delayMs, this.#signal).catch(() => {
          throw failure;
        });
      }
    }
  }
}
