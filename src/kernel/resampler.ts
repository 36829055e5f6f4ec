/**
 * Band-limited streaming resampler for 16-bit mono. Output sample n is the input at position n · step exactly: the filter's
 * delay is taken out, nothing is shifted. Input before the first sample counts as silence, and so does all that follows
 * `end()`. Silence in gives exact silence out; a step of 1 is a bit-exact copy; cutting the input or the output differently
 * changes nothing. Pure; the caller owns the buffers given in.
 */
import { type BlockKernel, RESAMPLE } from './block-kernel.ts';
import { designFilterBank, type FilterBank, withStep } from './filter-bank.ts';
import { kernel as bestKernel } from './kernel.ts';

const NOTHING = new Int16Array(0);

/**
 * Outputs that a bent resampler begins with, as far as its arithmetic goes: a position is a whole number of steps, so the step is
 * rounded to where the bend is, by less than 1 in 10¹⁰, and an input's index still has 20 bits behind the point.
 */
const BENT_OUTPUTS = 2 ** 32;

/** From input `at` on, inputs per output sample are others. */
type Bend = { at: number; readonly bank: FilterBank };

export class Resampler {
  #bank: FilterBank;
  /** Input not yet used up, with the filter's reach before it; `#queue[0]` is input sample `#queueStart`. */
  #queue: Float64Array;
  #queueStart: number;
  #queueLength: number;
  #ended = false;
  /** Those that the outputs have not reached. */
  readonly #bends: Bend[] = [];
  readonly #state = new Float64Array(RESAMPLE.length);
  readonly #kernel: BlockKernel;

  /**
   * @param step input samples per output sample: input rate / output rate, times the clock correction if any.
   * @param bank one made by `designFilterBank(step)`, to share it.
   * @param before input that came before the first sample, of which no output is made; as much as there is of what the filter reaches.
   */
  constructor(
    step: number,
    bank: FilterBank = designFilterBank(step),
    kernel: BlockKernel = bestKernel,
    before: Int16Array = NOTHING,
  ) {
    this.#bank = bank;
    this.#kernel = kernel;
    const reach = bank.taps / 2 - 1;
    this.#queue = new Float64Array(4 * bank.taps);
    this.#queueStart = -reach;
    this.#queueLength = reach;
    const known = before.subarray(Math.max(0, before.length - reach));
    this.#queue.set(known, reach - known.length);
  }

  /**
   * From the end of the input so far on the step is another; the output goes on without a seam.
   * @param bank not exact, and as long as the one it was made with
   */
  bend(step: number, bank: FilterBank): void {
    if (bank.exact || bank.taps !== this.#bank.taps)
      throw new RangeError('a resampler can be bent to a drifting bank of its length only');
    this.#bends.push({ at: this.#queueStart + this.#queueLength, bank: withStep(bank, step) });
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
    for (let written = from; ; ) {
      const bend = this.#bends[0];
      const ready = this.#queueStart + this.#queueLength - taps / 2;
      state[RESAMPLE.toQueue] = 1 - taps / 2 - this.#queueStart;
      state[RESAMPLE.ready] = bend === undefined ? ready : Math.min(ready, bend.at);
      written = this.#kernel.resample(this.#bank, state, this.#queue, out, written);
      if (bend === undefined || state[RESAMPLE.index]! < bend.at) return written;
      this.#bends.shift();
      this.#take(bend);
    }
  }

  /** The next output lies behind the bend: how far, counts in its steps. */
  #take({ at, bank }: Bend): void {
    const state = this.#state;
    const before = this.#bank;
    const position = before.exact
      ? state[RESAMPLE.index]! + state[RESAMPLE.phase]! / before.phases
      : state[RESAMPLE.produced]! * before.step;
    const next = at + ((position - at) * bank.step) / before.step;
    // Inputs are numbered anew, so that the position is a whole number of steps.
    const shift = Math.round(BENT_OUTPUTS * bank.step - next);
    this.#bank = withStep(bank, (next + shift) / BENT_OUTPUTS);
    this.#queueStart += shift;
    for (const later of this.#bends) later.at += shift;
    state[RESAMPLE.produced] = BENT_OUTPUTS;
    state[RESAMPLE.phase] = 0;
    state[RESAMPLE.index] = Math.floor(BENT_OUTPUTS * this.#bank.step);
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
