/**
 * Band-limited streaming resampler for 16-bit mono. Output sample n is the input at position n · step exactly: the filter's
 * delay is taken out, nothing is shifted. Input before the first sample counts as silence, and so does all that follows
 * `end()`. Silence in gives exact silence out; a step of 1 is a bit-exact copy; cutting the input or the output differently
 * changes nothing. Pure; the caller owns the buffers given in.
 */
import { designFilterBank, type FilterBank } from './filter-bank.ts';

const toInt16 = (value: number): number => {
  const rounded = Math.floor(value + 0.5);
  return rounded > 32767 ? 32767 : rounded < -32768 ? -32768 : rounded;
};

export class Resampler {
  readonly #bank: FilterBank;
  /** Input not yet used up, with the filter's reach before it; `#queue[0]` is input sample `#queueStart`. */
  #queue: Float64Array;
  #queueStart: number;
  #queueLength: number;
  #ended = false;
  /** The next output sample lies between input samples `#index` and `#index + 1`, at `#phase` of an exact bank. */
  #index = 0;
  #phase = 0;
  /** Output samples so far: positions are `#produced · step`, never a running sum, when the bank is not exact. */
  #produced = 0;

  /**
   * @param step input samples per output sample: input rate / output rate, times the clock correction if any.
   * @param bank one made by `designFilterBank(step)`, to share it.
   */
  constructor(step: number, bank: FilterBank = designFilterBank(step)) {
    this.#bank = bank;
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
    return this.#bank.exact ? this.#produceExact(out, from) : this.#produceInterpolated(out, from);
  }

  /** Positions up to, not including, this input index have all the input they need. */
  #readyIndex(): number {
    return this.#queueStart + this.#queueLength - this.#bank.taps / 2;
  }

  /** A step that is a ratio of whole numbers: every position falls on a phase, counted without rounding. */
  #produceExact(out: Int16Array, from: number): number {
    const { phases, advance, taps, coefficients } = this.#bank;
    const queue = this.#queue;
    const toQueue = this.#toQueue();
    const ready = this.#readyIndex();
    let index = this.#index;
    let phase = this.#phase;
    let written = from;
    while (written < out.length && index < ready) {
      const row = phase * taps;
      const at = index + toQueue;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0; k < taps; k += 4) {
        const i = row + k;
        const j = at + k;
        a += coefficients[i]! * queue[j]!;
        b += coefficients[i + 1]! * queue[j + 1]!;
        c += coefficients[i + 2]! * queue[j + 2]!;
        d += coefficients[i + 3]! * queue[j + 3]!;
      }
      out[written++] = toInt16(a + b + (c + d));
      for (phase += advance; phase >= phases; phase -= phases) index++;
    }
    this.#index = index;
    this.#phase = phase;
    return written;
  }

  /** Any other step: the two nearest phases, weighted by how near they are. */
  #produceInterpolated(out: Int16Array, from: number): number {
    const { step, phases, taps, coefficients } = this.#bank;
    const queue = this.#queue;
    const toQueue = this.#toQueue();
    const ready = this.#readyIndex();
    let written = from;
    while (written < out.length && this.#index < ready) {
      const position = this.#produced * step;
      const fraction = (position - this.#index) * phases;
      const phase = fraction | 0;
      const row = phase * taps;
      const at = this.#index + toQueue;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0; k < taps; k += 2) {
        const i = row + k;
        const even = queue[at + k]!;
        const odd = queue[at + k + 1]!;
        a += coefficients[i]! * even;
        b += coefficients[i + 1]! * odd;
        c += coefficients[i + taps]! * even;
        d += coefficients[i + taps + 1]! * odd;
      }
      const near = a + b;
      out[written++] = toInt16(near + (fraction - phase) * (c + d - near));
      this.#produced++;
      this.#index = Math.floor(this.#produced * step);
    }
    return written;
  }

  /** What turns an input index into the place in the queue where its filter begins. */
  #toQueue(): number {
    return 1 - this.#bank.taps / 2 - this.#queueStart;
  }

  /** Drops input that no later output can reach, then grows the queue if `count` more samples don't fit. */
  #makeRoom(count: number): void {
    const spent = Math.min(this.#queueLength, this.#index - this.#bank.taps / 2 + 1 - this.#queueStart);
    if (this.#queueLength + count <= this.#queue.length) return;
    const left = this.#queueLength - spent;
    const target = left + count <= this.#queue.length ? this.#queue : new Float64Array(2 * (left + count));
    target.set(this.#queue.subarray(spent, this.#queueLength));
    this.#queue = target;
    this.#queueStart += spent;
    this.#queueLength = left;
  }
}
