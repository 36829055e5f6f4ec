/**
 * Band-limited streaming resampler for 16-bit mono. Output sample n is the input at position n · step exactly: the filter's
 * delay is taken out, nothing is shifted. Input before the first sample counts as silence, and so does all that follows
 * `end()`. Silence in gives exact silence out; a step of 1 is a bit-exact copy; cutting the input or the output differently
 * changes nothing. Pure; the caller owns the buffers given in.
 */
import { type BlockKernel, RESAMPLE } from './block-kernel.ts';
import { designFilterBank, type FilterBank } from './filter-bank.ts';
import { kernel as bestKernel } from './kernel.ts';

export class Resampler {
  readonly #bank: FilterBank;
  /** Input not yet used up, with the filter's reach before it; `#queue[0]` is input sample `#queueStart`. */
  #queue: Float64Array;
  #queueStart: number;
  #queueLength: number;
  #ended = false;
  readonly #state = new Float64Array(RESAMPLE.length);
  readonly #kernel: BlockKernel;

  /**
   * @param step input samples per output sample: input rate / output rate, times the clock correction if any.
   * @param bank one made by `designFilterBank(step)`, to share it.
   */
  constructor(step: number, bank: FilterBank = designFilterBank(step), kernel: BlockKernel = bestKernel) {
    this.#bank = bank;
    this.#kernel = kernel;
    const reach = bank.taps / 2 - 1;
    this.#queue = new Float64Array(4 * bank.taps);
    this.#queueStart = -reach;
    this.#queueLength = reach;
  }

  /** Takes a copy of `input`. What isn't pulled is kept, so pull after every push. @throws Error after `end()`. */
  push(input: Int16Array): void {
    if (this.#ended) throw new Error('the resampler was told that its input has ended');
    this.#makeRoom(input.length);
    this.#queue.set(input, this.#queueLength);
    this.#queueLength += input.length;
  }

  /** Says that silence follows for ever: from now on `pull` fills whatever it is given. */
  end(): void {
    this.#ended = true;
  }

  /** @returns samples written: all that the input so far decides, at most `out.length`; always `out.length` after `end()`. */
  pull(out: Int16Array): number {
    let written = this.#produce(out, 0);
    while (this.#ended && written < out.length) {
      const silence = Math.max(1024, this.#bank.taps);
      this.#makeRoom(silence);
      this.#queue.fill(0, this.#queueLength, this.#queueLength + silence);
      this.#queueLength += silence;
      written = this.#produce(out, written);
    }
    return written;
  }

  #produce(out: Int16Array, from: number): number {
    const { taps } = this.#bank;
    const state = this.#state;
    state[RESAMPLE.toQueue] = 1 - taps / 2 - this.#queueStart;
    state[RESAMPLE.ready] = this.#queueStart + this.#queueLength - taps / 2;
    return this.#kernel.resample(this.#bank, state, this.#queue, out, from);
  }

  /** Drops input that no later output can reach, then grows the queue if `count` more samples don't fit. */
  #makeRoom(count: number): void {
    const spent = Math.min(
      this.#queueLength,
      this.#state[RESAMPLE.index]! - this.#bank.taps / 2 + 1 - this.#queueStart,
    );
    if (this.#queueLength + count <= this.#queue.length) return;
    const left = this.#queueLength - spent;
    const target = left + count <= this.#queue.length ? this.#queue : new Float64Array(2 * (left + count));
    target.set(this.#queue.subarray(spent, this.#queueLength));
    this.#queue = target;
    this.#queueStart += spent;
    this.#queueLength = left;
  }
}
