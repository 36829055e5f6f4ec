/**
 * A leg's samples between decoding and output. As long as its runs follow each other they are copied; where runs overlap they are summed,
 * in more bits, and held within 16 when they are taken. Grows when it must; pure.
 */

const LEAST_SAMPLES = 1 << 14;

export class LegBuffer {
  /** Rings; slot of position p is p modulo their length, a power of two. One of the two is in use. */
  #pcm: Int16Array = new Int16Array(LEAST_SAMPLES);
  #sums: Int32Array | undefined;
  /** Everything before this position has been taken. */
  #base = 0;
  /** Nothing has come from here on: of what lies there the rings say nothing. */
  #top = 0;
  /** From here on nothing is a sum. */
  #overlapEnd = 0;

  /** Adds `count` samples of `pcm` at `position`; what lies before what was taken already is left out. */
  add(position: number, pcm: Int16Array, from: number, count: number): void {
    const start = Math.max(position, this.#base);
    const end = position + count;
    if (start >= end) return;
    if (end - this.#base > this.#length) this.#grow(end - this.#base);
    const first = from + start - position;
    if (start < this.#top) this.#sum(start, pcm, first, end - start);
    else {
      this.#clear(this.#top, start);
      this.#copy(start, pcm, first, end - start);
    }
    if (end > this.#top) this.#top = end;
  }

  /** Takes the next `count` samples, saturated to 16 bits. */
  take(out: Int16Array, count: number): void {
    const filled = Math.min(count, this.#top - this.#base);
    if (this.#sums === undefined) this.#takeCopied(out, filled);
    else this.#takeSummed(this.#sums, out, filled);
    out.fill(0, filled, count);
    this.#base += count;
    if (this.#top < this.#base) this.#top = this.#base;
    if (this.#sums !== undefined && this.#overlapEnd <= this.#base) this.#endSums(this.#sums);
  }

  get #length(): number {
    return (this.#sums ?? this.#pcm).length;
  }

  /** At positions that nothing has come for yet. */
  #copy(position: number, pcm: Int16Array, from: number, count: number): void {
    const ring = this.#sums ?? this.#pcm;
    const slot = position & (ring.length - 1);
    const ahead = Math.min(count, ring.length - slot);
    ring.set(pcm.subarray(from, from + ahead), slot);
    if (ahead < count) ring.set(pcm.subarray(from + ahead, from + count), 0);
  }

  #clear(from: number, to: number): void {
    if (from >= to) return;
    const ring = this.#sums ?? this.#pcm;
    const slot = from & (ring.length - 1);
    ring.fill(0, slot, Math.min(ring.length, slot + to - from));
    ring.fill(0, 0, Math.max(0, slot + to - from - ring.length));
  }

  #sum(position: number, pcm: Int16Array, from: number, count: number): void {
    const end = position + count;
    this.#clear(this.#top, end);
    this.#sums ??= this.#moved(new Int32Array(this.#pcm.length), this.#pcm);
    const sums = this.#sums;
    const mask = sums.length - 1;
    for (let n = 0; n < count; n++) {
      const slot = (position + n) & mask;
      sums[slot] = sums[slot]! + pcm[from + n]!;
    }
    this.#overlapEnd = Math.max(this.#overlapEnd, Math.min(end, this.#top));
  }

  #takeCopied(out: Int16Array, count: number): void {
    const ring = this.#pcm;
    const slot = this.#base & (ring.length - 1);
    const ahead = Math.min(count, ring.length - slot);
    out.set(ring.subarray(slot, slot + ahead));
    if (ahead < count) out.set(ring.subarray(0, count - ahead), ahead);
  }

  #takeSummed(sums: Int32Array, out: Int16Array, count: number): void {
    const mask = sums.length - 1;
    for (let n = 0; n < count; n++) {
      const sum = sums[(this.#base + n) & mask]!;
      out[n] = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
    }
  }

  /** What is left are samples as they came: they fit. */
  #endSums(sums: Int32Array): void {
    if (this.#pcm.length < sums.length) this.#pcm = new Int16Array(sums.length);
    this.#moved(this.#pcm, sums);
    this.#sums = undefined;
  }

  /** Brings what has not been taken to another ring, which is not shorter. */
  #moved<Ring extends Int16Array | Int32Array>(to: Ring, from: Int16Array | Int32Array): Ring {
    for (let p = this.#base; p < this.#top; p++) to[p & (to.length - 1)] = from[p & (from.length - 1)]!;
    return to;
  }

  #grow(wanted: number): void {
    let length = this.#length;
    while (length < wanted) length *= 2;
    if (this.#sums === undefined) this.#pcm = this.#moved(new Int16Array(length), this.#pcm);
    else this.#sums = this.#moved(new Int32Array(length), this.#sums);
  }
}
