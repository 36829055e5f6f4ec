/**
 * How a sealed file lies on disk: AES-256-GCM in chunks, each under a nonce that says its number and whether it is the last (the STREAM
 * construction, Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that a file that was cut, continued or reordered does not open. Pure.
 *
 *     "RCSEAL01" · salt 32 · chunk 0 · chunk 1 · … · last chunk        chunk: 64 KiB of content enciphered, fewer in the last · tag 16
 *     nonce: number, 8 bytes, highest first · 0 0 0 · 1 for the last chunk, else 0
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import { fileKey, SALT_BYTES, type SealKey, type SealPurpose } from './seal-key.ts';

export const SEAL_MAGIC = 'RCSEAL01';
export const SEAL_HEAD_BYTES = SEAL_MAGIC.length + SALT_BYTES;
/** Of content. */
export const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

const CIPHER = 'aes-256-gcm';
const TAGGED = { authTagLength: TAG_BYTES };

/** Where a chunk begins in the file. */
export const chunkAt = (index: number): number => SEAL_HEAD_BYTES + index * SEALED_CHUNK_BYTES;

/** How long a file is that holds so much content. */
export const sealedBytes = (contentBytes: number): number =>
  SEAL_HEAD_BYTES + contentBytes + TAG_BYTES * Math.max(1, Math.ceil(contentBytes / CHUNK_BYTES));

/** Whether a file that begins with `head` is one of these, or was meant to be. */
export const isSealedHead = (head: Uint8Array): boolean =>
  Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1', 0, SEAL_MAGIC.length) === SEAL_MAGIC;

export const sealedHead = (salt: Uint8Array): Buffer => Buffer.concat([Buffer.from(SEAL_MAGIC, 'latin1'), salt]);

const nonceOf = (index: number, isLast: boolean): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 0);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
};

/**
 * A chunk as it lies in the file. Never twice with the same number under one key: two contents under one nonce give both away.
 * @param content 64 KiB; the last chunk may have fewer bytes, and has none only where the whole file has none
 * @returns its two parts, to be written one behind the other
 */
export const sealChunk = (key: KeyObject, index: number, isLast: boolean, content: Uint8Array): [Buffer, Buffer] => {
  const cipher = createCipheriv(CIPHER, key, nonceOf(index, isLast), TAGGED);
  const enciphered = cipher.update(content);
  cipher.final(); // Of a stream cipher nothing is left.
  return [enciphered, cipher.getAuthTag()];
};

/** The chunks of one file: where each lies, and what is in it. */
export class SealedChunks {
  /** Bytes of content. */
  readonly size: number;
  readonly count: number;
  readonly #path: string;
  readonly #key: KeyObject;
  readonly #fileBytes: number;

  /**
   * @param head the file's first bytes, as many as `SEAL_HEAD_BYTES` where it has them.
   * @throws SEAL_BROKEN when no sealed file can be like that. Its length is proven by its last chunk alone: `open` that one first.
   */
  constructor(path: string, head: Uint8Array, fileBytes: number, key: SealKey, purpose: SealPurpose) {
    this.#path = path;
    if (head.length < SEAL_HEAD_BYTES || !isSealedHead(head)) throw this.#broken('its head is missing');
    const body = fileBytes - SEAL_HEAD_BYTES;
    this.count = Math.ceil(body / SEALED_CHUNK_BYTES);
    const last = body - (this.count - 1) * SEALED_CHUNK_BYTES - TAG_BYTES;
    if (this.count < 1 || last < 0 || (last === 0 && this.count > 1)) throw this.#broken('it is cut');
    this.size = (this.count - 1) * CHUNK_BYTES + last;
    this.#fileBytes = fileBytes;
    this.#key = fileKey(key, head.subarray(SEAL_MAGIC.length, SEAL_HEAD_BYTES), purpose);
  }

  /** @returns where it begins in the file, and how many bytes it has there. */
  place(index: number): { readonly at: number; readonly length: number } {
    const at = chunkAt(index);
    return { at, length: Math.min(SEALED_CHUNK_BYTES, this.#fileBytes - at) };
  }

  /** @param sealed what lies at its place. @returns its content. @throws SEAL_BROKEN when any bit is not as it was sealed */
  open(index: number, sealed: Uint8Array): Buffer {
    if (sealed.length !== this.place(index).length) throw this.#broken(`chunk ${index} is cut`);
    const decipher = createDecipheriv(CIPHER, this.#key, nonceOf(index, index === this.count - 1), TAGGED);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const content = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
      return content;
    } catch {
      content.fill(0);
      throw this.#broken(`chunk ${index} of ${this.count} does not open`);
    }
  }

  #broken(why: string): AppError {
    return new AppError('SEAL_BROKEN', `${this.#path} is not as it was sealed, or sealed under another key: ${why}`);
  }
}
