/** A span of what is open, as a stream, which closes it. Whatever can't be read ends the stream with its error, never as if it were all. */
import { Readable } from 'node:stream';
import type { OpenBytes } from './byte-source.ts';
import { AppError } from './errors.ts';

const PIECE_BYTES = 64 * 1024;

export class ByteStream extends Readable {
  readonly #bytes: OpenBytes;
  readonly #end: number;
  #at: number;

  /** @param bytes the stream's from now on. @param end position behind the last byte. */
  constructor(bytes: OpenBytes, start = 0, end = bytes.size) {
    super({ highWaterMark: PIECE_BYTES });
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  override _read(): void {
    this.#next().then(
      (piece) => this.push(piece),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#bytes.close().then(
      () => callback(error),
      (closeError: Error) => callback(error ?? closeError),
    );
  }

  /** @returns null at the end */
  async #next(): Promise<Buffer | null> {
    const left = this.#end - this.#at;
    if (left <= 0) return null;
    // Up to the next border: a source that opens its bytes by the piece gives all that comes before a damaged one.
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES - (this.#at % PIECE_BYTES), left));
    const read = await this.#bytes.read(piece, this.#at);
    if (read === 0) throw new AppError('INTERNAL', 'a file became shorter while it was read');
    this.#at += read;
    return piece.subarray(0, read);
  }
}
