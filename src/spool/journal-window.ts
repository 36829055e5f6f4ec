/** What a reader sees of a journal: some of what it holds, in the clear. */

/** Puts what a file has from `position` on into `into`, from `at` on. @returns how many bytes */
export type ReadAt = (into: Buffer, at: number, position: number) => number;

/** `buffer[from, to)` is there and not taken yet; whoever takes of it raises `from`. */
export interface JournalWindow {
  /** Whether what it gives is proven to be what was written; else its records' sums say so. */
  readonly isProven: boolean;
  readonly buffer: Buffer;
  /** The same memory as `buffer`, from its first byte on. */
  readonly view: DataView;
  from: number;
  readonly to: number;
  /** Reads on until so much is there. @returns whether it is: a journal that grows may have it later */
  fill(wanted: number): boolean;
  /** Gives the buffer back; what was not taken is read again when it is asked for. */
  rest(): void;
  /** Whether the file has more than was taken. */
  readonly hasMore: boolean;
}
