/** A window on a plain journal: its bytes as they lie there. */
import { viewOf } from './frame-copy.ts';
import type { JournalWindow, ReadAt } from './journal-window.ts';

const CHUNK_BYTES = 64 * 1024;
/** Buffers that nobody uses: many journals are followed at a time, and one after another is read. */
const SPARES = 4;
const spares: Buffer[] = [];

const NOTHING = Buffer.alloc(0);
const NO_VIEW = viewOf(NOTHING);

export class PlainWindow implements JournalWindow {
  readonly isProven = false;
  buffer: Buffer = NOTHING;
  view: DataView = NO_VIEW;
  from = 0;
  to = 0;
  readonly #read: ReadAt;
  readonly #size: () => number;
  /** Where in the file `buffer` begins. */
  #position: number;

  constructor(read: ReadAt, size: () => number, position: number) {
    this.#read = read;
    this.#size = size;
    this.#position = position;
  }

  fill(wanted: number): boolean {
    if (this.to - this.from >= wanted) return true;
    this.#makeRoom(wanted);
    this.to += this.#read(this.buffer, this.to, this.#position + this.to);
    return this.to - this.from >= wanted;
  }

  rest(): void {
    if (this.buffer.length === CHUNK_BYTES && spares.length < SPARES) spares.push(this.buffer);
    this.#position += this.from;
    this.buffer = NOTHING;
    this.view = NO_VIEW;
    this.from = 0;
    this.to = 0;
  }

  get hasMore(): boolean {
    return this.#size() > this.#position + this.from;
  }

  /** Brings what is left to the front of a buffer that is large enough. */
  #makeRoom(wanted: number): void {
    const before = this.buffer;
    if (wanted > before.length) {
      this.buffer =
        wanted > CHUNK_BYTES ? Buffer.allocUnsafe(wanted) : (spares.pop() ?? Buffer.allocUnsafe(CHUNK_BYTES));
      this.view = viewOf(this.buffer);
    }
    before.copy(this.buffer, 0, this.from, this.to);
    this.#position += this.from;
    this.to -= this.from;
    this.from = 0;
  }
}
