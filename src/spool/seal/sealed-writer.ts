/**
 * Seals a file while its content comes in. The first chunk stays in memory until the end, so that a head can be patched without ever
 * enciphering two contents under one nonce; the file is none that opens before `finish`.
 */

import type { KeyObject } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import { release } from '../../kernel/release.ts';
import { fileKey, SALT_BYTES, type SealKey, type SealPurpose } from './seal-key.ts';
import { CHUNK_BYTES, chunkAt, sealChunk, sealedHead } from './sealed-format.ts';

export type Sealing = {
  readonly key: SealKey;
  readonly purpose: SealPurpose;
  /** Of the file's salt; the system's, unless a test says otherwise. */
  readonly random?: RandomBytes;
};

/** Puts all of `bytes` at `at` in the file. */
export type WriteAt = (bytes: Uint8Array, at: number) => Promise<void>;

export class SealedWriter {
  readonly #write: WriteAt;
  readonly #salt: Uint8Array;
  readonly #key: KeyObject;
  #first: Buffer | undefined;
  /** The chunk that is being filled. */
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #filled = 0;
  #index = 0;
  #isOver = false;

  constructor(write: WriteAt, { key, purpose, random = randomBytes }: Sealing) {
    this.#write = write;
    this.#salt = random(SALT_BYTES);
    this.#key = fileKey(key, this.#salt, purpose);
  }

  /** Of content, so far. */
  get bytes(): number {
    return this.#index * CHUNK_BYTES + this.#filled;
  }

  /** `bytes` may change once this has resolved. @throws what the disk says */
  async append(bytes: Uint8Array): Promise<void> {
    this.#refuseIfOver();
    const first = Math.max(1, this.#index);
    const sealed: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      // Not before something follows: the last chunk, full or not, is sealed as the last.
      if (this.#filled === CHUNK_BYTES) sealed.push(...this.#turn());
      if (this.#filled === 0 && this.#index > 0 && bytes.length - at > CHUNK_BYTES) {
        sealed.push(...sealChunk(this.#key, this.#index++, false, bytes.subarray(at, at + CHUNK_BYTES)));
        at += CHUNK_BYTES;
        continue;
      }
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
    // One write for all: they lie one behind the other.
    if (sealed.length > 0) await this.#writeOut(sealed, chunkAt(first));
  }

  /** Overwrites content of the first chunk: what is sealed already stays as it is. */
  patch(bytes: Uint8Array, at: number): void {
    this.#refuseIfOver();
    if (at + bytes.length > Math.min(CHUNK_BYTES, this.bytes))
      throw new AppError('INTERNAL', `a patch of ${bytes.length} bytes at ${at} is not in the first chunk`);
    (this.#first ?? this.#chunk).set(bytes, at);
  }

  /** Writes what is left of it; nothing can be added any more. @throws what the disk says */
  async finish(): Promise<void> {
    this.#refuseIfOver();
    this.#isOver = true;
    const last = sealChunk(this.#key, this.#index, true, this.#chunk.subarray(0, this.#filled));
    const head = sealedHead(this.#salt);
    if (this.#first === undefined) await this.#write(Buffer.concat([head, ...last]), 0);
    else {
      await this.#write(Buffer.concat(last), chunkAt(this.#index));
      await this.#write(Buffer.concat([head, ...sealChunk(this.#key, 0, false, this.#first)]), 0);
    }
    this.forget();
  }

  /** Leaves no content in memory: for a file that is given up, too. */
  forget(): void {
    this.#isOver = true;
    this.#first?.fill(0);
    this.#chunk.fill(0);
  }

  /** Begins the next chunk. @returns the full one, sealed; nothing of the first */
  #turn(): Buffer[] {
    const index = this.#index++;
    this.#filled = 0;
    if (index > 0) return sealChunk(this.#key, index, false, this.#chunk);
    this.#first = this.#chunk;
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    return [];
  }

  async #writeOut(sealed: readonly Buffer[], at: number): Promise<void> {
    const all = Buffer.concat(sealed);
    for (const part of sealed) release(part);
    await this.#write(all, at);
    release(all);
  }

  #refuseIfOver(): void {
    if (this.#isOver) throw new AppError('INTERNAL', 'a sealed file was written to after it was finished');
  }
}
