/**
 * A frame where it lies in a reader's window: lent until the next record is asked for. Whoever copies it does so from there; a view of the
 * payload is made only for whoever asks for one, as by the hundred thousand they cost more than what they are for.
 */
import { copyMemory, viewOf } from './frame-copy.ts';
import type { FrameRecord } from './journal-record.ts';

const NOTHING = Buffer.alloc(0);
const NO_VIEW = viewOf(NOTHING);

export class LentFrame implements FrameRecord {
  track = 0;
  // Fields that begin as whole numbers would change their shape, and what was compiled for it, with the first that is none.
  arrivalUs = Number.NaN;
  ticks = Number.NaN;
  #bytes: Buffer = NOTHING;
  #view: DataView = NO_VIEW;
  #start = 0;
  #end = 0;

  /** Its payload is `bytes[start, end)`. @param view the same memory as `bytes` */
  lend(bytes: Buffer, view: DataView, start: number, end: number): void {
    this.#bytes = bytes;
    this.#view = view;
    this.#start = start;
    this.#end = end;
  }

  /** Of the payload. */
  get length(): number {
    return this.#end - this.#start;
  }

  get payload(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Copies the payload to the beginning of `into`, which must be so long. */
  copyTo(into: DataView): void {
    copyMemory(this.#view, this.#start, this.#end, into, 0);
  }

  /** Keeps no memory. */
  giveBack(): void {
    this.lend(NOTHING, NO_VIEW, 0, 0);
  }
}
