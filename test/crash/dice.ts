/** What is left to chance in a crash test, repeatable: every choice comes from one seed. */
import { seeded } from '../support/tones.ts';

export class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seeded(seed);
  }

  /** Evenly in `[from, to)`. */
  between(from: number, to: number): number {
    return from + this.#next() * (to - from);
  }

  /** True so often, 0 to 1. */
  falls(share: number): boolean {
    return this.#next() < share;
  }

  of<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#next() * choices.length)];
  }

  shuffled<T>(choices: readonly T[]): T[] {
    return choices
      .map((choice) => ({ choice, at: this.#next() }))
      .sort((one, other) => one.at - other.at)
      .map(({ choice }) => choice);
  }

  /** Another, that goes its own way: what one part draws must not change what the others get. */
  fork(): Dice {
    return new Dice(Math.floor(this.between(0, 2 ** 32)));
  }
}
