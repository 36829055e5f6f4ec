/** Reads a sealed file from its beginning to its end without waiting, as a decoder must that answers at once. Otherwise as `sealedFile`. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { SealKey, SealPurpose } from './seal-key.ts';
import { SEAL_HEAD_BYTES, SealedChunks } from './sealed-format.ts';

export class SealedReader {
  readonly #file: number;
  readonly #chunks: SealedChunks;
  #next = 0;
  #content: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @throws SEAL_BROKEN; the operating system's error */
  constructor(path: string, key: SealKey, purpose: SealPurpose) {
    this.#file = openSync(path, 'r');
    try {
      const head = readWhole(this.#file, 0, SEAL_HEAD_BYTES);
      this.#chunks = new SealedChunks(path, head, fstatSync(this.#file).size, key, purpose);
      this.#open(this.#chunks.count - 1); // It alone proves that nothing is missing behind it.
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /** The content's next bytes. @returns how many; fewer than `into` has room for at the end only. @throws SEAL_BROKEN */
  read(into: Uint8Array): number {
    for (let done = 0; ; ) {
      const part = this.#content.subarray(this.#at, this.#at + into.length - done);
      into.set(part, done);
      this.#at += part.length;
      done += part.length;
      if (done === into.length || this.#next === this.#chunks.count) return done;
      this.#content = this.#open(this.#next++);
      this.#at = 0;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #open(index: number): Buffer {
    const { at, length } = this.#chunks.place(index);
    return this.#chunks.open(index, readWhole(this.#file, at, length));
  }
}

const readWhole = (file: number, at: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const read = readSync(file, bytes, done, length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return bytes.subarray(0, done);
};
