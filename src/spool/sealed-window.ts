/** A window on a sealed journal: the content of one segment, of several where a record does not end with the first. */
import { release } from '../kernel/release.ts';
import { viewOf } from './frame-copy.ts';
import type { SegmentOpener } from './journal-segments.ts';
import type { JournalWindow, ReadAt } from './journal-window.ts';

const NOTHING = Buffer.alloc(0);
const NO_VIEW = viewOf(NOTHING);

type Place = { readonly position: number; readonly index: number };
type Opened = Place & { readonly length: number };

export class SealedWindow implements JournalWindow {
  readonly isProven = true;
  buffer: Buffer = NOTHING;
  view: DataView = NO_VIEW;
  from = 0;
  to = 0;
  readonly #read: ReadAt;
  readonly #size: () => number;
  readonly #opener: SegmentOpener;
  /** The segments in `buffer`, which begins with the first of them. */
  #opened: Opened[] = [];
  #next: Place;

  constructor(read: ReadAt, size: () => number, opener: SegmentOpener, position: number) {
    this.#read = read;
    this.#size = size;
    this.#opener = opener;
    this.#next = { position, index: 0 };
  }

  fill(wanted: number): boolean {
    while (this.to - this.from < wanted) {
      const segment = this.#opener.open(this.#read, this.#next.position, this.#next.index);
      if (segment === undefined) return false;
      this.#forgetTaken();
      const { content, bytes } = segment;
      this.#opened.push({ ...this.#next, length: content.length });
      this.#next = { position: this.#next.position + bytes, index: this.#next.index + 1 };
      this.buffer = this.to === 0 ? content : Buffer.concat([this.buffer.subarray(0, this.to), content]);
      this.view = viewOf(this.buffer);
      this.to += content.length;
    }
    return true;
  }

  rest(): void {
    this.#forgetTaken();
    // The first is opened again, and what was taken of it passed over.
    this.#next = this.#opened[0] ?? this.#next;
    this.#opened = [];
    this.#empty();
  }

  get hasMore(): boolean {
    return this.to > this.from || this.#size() > this.#next.position;
  }

  #forgetTaken(): void {
    let taken = 0;
    while (this.#opened.length > 0 && this.from - taken >= this.#opened[0]!.length)
      taken += this.#opened.shift()!.length;
    if (taken === 0) return;
    this.from -= taken;
    if (taken === this.to) {
      this.#empty();
      return;
    }
    this.buffer = this.buffer.subarray(taken);
    this.view = viewOf(this.buffer);
    this.to -= taken;
  }

  /** `from` stays: what was taken of a segment that is opened again. */
  #empty(): void {
    release(this.buffer);
    this.buffer = NOTHING;
    this.view = NO_VIEW;
    this.to = 0;
  }
}
