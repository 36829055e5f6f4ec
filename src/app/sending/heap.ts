/** A binary heap: what has the least key comes out first. Pure. */

export class Heap<T> {
  readonly #items: T[] = [];
  readonly #keyOf: (item: T) => number;

  constructor(keyOf: (item: T) => number) {
    this.#keyOf = keyOf;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const heap = this.#items;
    const key = this.#keyOf(item);
    let at = heap.push(item) - 1;
    for (let above = (at - 1) >> 1; at > 0 && this.#keyOf(heap[above]!) > key; above = (at - 1) >> 1) {
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = item;
  }

  /** Takes out the first. */
  pop(): T | undefined {
    const heap = this.#items;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    const key = this.#keyOf(last);
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && this.#keyOf(heap[below + 1]!) < this.#keyOf(heap[below]!)) below++;
      if (below >= heap.length || this.#keyOf(heap[below]!) >= key) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
