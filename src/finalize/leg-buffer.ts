/** A leg's samples between decoding and output, summed where runs overlap. Grows when it must; pure. */

export class LegBuffer {
  /** Ring of sums; slot of position p is p modulo its length, a power of two. */
  #sums: Int32Array = new Int32Array(1 << 14);
  /** Everything before this position has been taken. */
  #base = 0;
  /** Everything from here on is still zero. */
  #top = 0;

  /** Adds `count` samples of `pcm` at `position`; what lies before what was taken already is left out. */
  add(position: number, pcm: Int16Array, from: number, count: number): void {
    const skip = Math.max(0, this.#base - position);
    if (skip >= count) return;
    const end = position + count;
    if (end - this.#base > this.#sums.length) this.#grow(end - this.#base);
    const mask = this.#sums.length - 1;
    const sums = this.#sums;
    for (let n = skip; n < count; n++) {
      const slot = (position + n) & mask;
      sums[slot] = sums[slot]! + pcm[from + n]!;
    }
    if (end > this.#top) this.#top = end;
  }

  /** Takes the next `count` samples, saturated to 16 bits. */
  take(out: Int16Array, count: number): void {
    const mask = this.#sums.length - 1;
    const filled = Math.min(count, Math.max(0, this.#top - this.#base));
    for (let n = 0; n < filled; n++) {
      const slot = (this.#base + n) & mask;
      const sum = this.#sums[slot]!;
      out[n] = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
      this.#sums[slot] = 0;
    }
    out.fill(0, filled, count);
    this.#base += count;
  }

  #grow(wanted: number): void {
    let length = this.#sums.length;
    while (length < wanted) length *= 2;
    const larger = new Int32Array(length);
    for (let p = this.#base; p < this.#top; p++) larger[p & (length - 1)] = this.#sums[p & (this.#sums.length - 1)]!;
    this.#sums = larger;
  }
}
