/**
 * Cuts a byte stream that arrives in pieces of any size into whole records. Pure; knows no file format, and holds at most one
 * unfinished record. A record that lies whole in one piece is handed on in place; one that spans pieces is put together in a
 * buffer of its own, which is never written again.
 */

/** What `measure` and `take` answer when the bytes can't be a record: nothing behind them can be trusted. */
export const STOP = -1;

export type RecordFormat = {
  /** Bytes of the record at `start`; while `end` is too near to tell, how many it takes to tell. At least 1, or STOP. */
  measure(bytes: Buffer, start: number, end: number): number;
  /** Takes one whole record. Answers how many bytes behind it are to be skipped unread, or STOP. */
  take(bytes: Buffer, start: number, end: number): number;
};

export class RecordSplitter {
  readonly #format: RecordFormat;
  #position = 0;
  #stopped = false;
  #skip = 0;
  #held: Buffer = Buffer.alloc(0);
  #heldBytes = 0;
  /** How many bytes `#held` must have before it is worth another look. */
  #wanted = 0;

  constructor(format: RecordFormat) {
    this.#format = format;
  }

  /** Where in the stream the next record begins; after a stop, where the impossible one does. */
  get position(): number {
    return this.#position;
  }

  /** A record was impossible: all further bytes are ignored. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The bytes so far end inside a record. */
  get unfinished(): boolean {
    return this.#heldBytes > 0 || this.#skip > 0;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        this.#position += skipped;
        at += skipped;
      } else if (this.#heldBytes > 0) {
        at = this.#complete(chunk, at);
      } else {
        at = this.#scan(chunk, at);
      }
    }
  }

  /** Takes records in place, up to the end, a stop or a skip. Answers where it got to. */
  #scan(chunk: Buffer, from: number): number {
    const end = chunk.length;
    let at = from;
    while (at < end && this.#skip === 0) {
      const length = this.#format.measure(chunk, at, end);
      if (length > end - at) {
        this.#want(length);
        this.#fill(chunk, at, end);
        return end;
      }
      if (!this.#accept(chunk, at, length)) return end;
      at += length;
    }
    return at;
  }

  /** Adds to the held record what it lacks, and takes it once it is whole. Answers where it got to. */
  #complete(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#wanted - this.#heldBytes);
    this.#fill(chunk, from, end);
    if (this.#heldBytes < this.#wanted) return end;
    const length = this.#format.measure(this.#held, 0, this.#heldBytes);
    if (length > this.#heldBytes) {
      this.#want(length);
      return end;
    }
    this.#accept(this.#held, 0, length);
    this.#heldBytes = 0;
    this.#wanted = 0;
    return end;
  }

  #accept(bytes: Buffer, start: number, length: number): boolean {
    const skip = length === STOP ? STOP : this.#format.take(bytes, start, start + length);
    if (skip === STOP) {
      this.#stopped = true;
      return false;
    }
    this.#skip = skip;
    this.#position += length;
    return true;
  }

  /** A new buffer each time: packets taken out of the last one may still be in use. */
  #want(length: number): void {
    const grown = Buffer.allocUnsafe(length);
    this.#held.copy(grown, 0, 0, this.#heldBytes);
    this.#held = grown;
    this.#wanted = length;
  }

  #fill(chunk: Buffer, from: number, end: number): void {
    chunk.copy(this.#held, this.#heldBytes, from, end);
    this.#heldBytes += end - from;
  }
}
