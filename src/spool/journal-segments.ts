/**
 * A sealed journal (AES-256-GCM, NIST SP 800-38D): what gathers between two flushes is one segment, so that no flush waits for more.
 *
 *     file     "RCJOURN2" · salt 32 · segment*
 *     segment  length u32 · ciphertext · tag 16       length, of the ciphertext, little-endian
 *
 * What is in the segments, one behind the other, are the records of `journal-record.ts`, without sums: a tag proves all of its segment.
 * The key is that file's alone (`fileKey`), the nonce is the segment's number: one that was moved, swapped or comes from another file
 * does not open. That segments are missing at the end nobody can tell from a recorder that died there: the close record is the end.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { JOURNAL_MAGIC, MAX_RECORD_BYTES, RECORD_HEAD_BYTES } from './journal-record.ts';
import type { ReadAt } from './journal-window.ts';
import { fileKey, SALT_BYTES, type SealKey } from './seal/seal-key.ts';

export const SEALED_MAGIC = Buffer.from('RCJOURN2', 'latin1');
export const SEALED_HEAD_BYTES = SEALED_MAGIC.length + SALT_BYTES;
export const SEGMENT_HEAD_BYTES = 4;
export const TAG_BYTES = 16;
/** A segment holds a block, or one record that is larger than a block. */
const MAX_SEGMENT_BYTES = MAX_RECORD_BYTES + RECORD_HEAD_BYTES;

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;

/** Counts segments; `next` is never the same number twice. */
class Nonce {
  readonly #bytes = Buffer.alloc(NONCE_BYTES);
  #next = 0;

  next(): Buffer {
    return this.of(this.#next++);
  }

  /** For reading, where a segment may be opened again. */
  of(index: number): Buffer {
    this.#bytes.writeUIntBE(index, NONCE_BYTES - 6, 6);
    return this.#bytes;
  }
}

/** Seals a journal's blocks in the order they are written. */
export class SegmentSealer {
  readonly #key: KeyObject;
  readonly #nonce = new Nonce();
  /** The file's first bytes, until they are given out. */
  #head: Buffer | undefined;

  /** @param salt 32 random bytes, for this file alone */
  constructor(key: SealKey, salt: Uint8Array) {
    this.#key = fileKey(key, salt, 'journal');
    this.#head = Buffer.concat([SEALED_MAGIC, salt]);
  }

  /** @returns what belongs behind everything that was returned before, in parts: to join them would copy the block once more */
  seal(block: Uint8Array): readonly Buffer[] {
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#nonce.next());
    const ciphertext = cipher.update(block);
    cipher.final();
    const length = Buffer.allocUnsafe(SEGMENT_HEAD_BYTES);
    length.writeUInt32LE(ciphertext.length);
    const segment = [length, ciphertext, cipher.getAuthTag()];
    if (this.#head === undefined) return segment;
    const head = this.#head;
    this.#head = undefined;
    return [head, ...segment];
  }
}

/** A segment that was read: its content, and how many bytes of the file it is. */
export type Segment = { readonly content: Buffer; readonly bytes: number };

/** One for all: a segment is read and opened before anything else is. */
let room = Buffer.alloc(0);

/** Opens the segments of a sealed journal. */
export class SegmentOpener {
  readonly #key: KeyObject;
  readonly #nonce = new Nonce();
  readonly #length = Buffer.alloc(SEGMENT_HEAD_BYTES);

  /** @param head the file's first `SEALED_HEAD_BYTES` */
  constructor(key: SealKey, head: Uint8Array) {
    this.#key = fileKey(key, head.subarray(SEALED_MAGIC.length, SEALED_HEAD_BYTES), 'journal');
  }

  /**
   * @param position where in the file it begins; @param index how many segments are before it
   * @returns undefined for one that is not there, cut, damaged or not where it was
   */
  open(read: ReadAt, position: number, index: number): Segment | undefined {
    if (read(this.#length, 0, position) < SEGMENT_HEAD_BYTES) return undefined;
    const length = this.#length.readUInt32LE();
    if (length === 0 || length > MAX_SEGMENT_BYTES) return undefined;
    const total = length + TAG_BYTES;
    if (room.length < total) room = Buffer.allocUnsafe(total);
    const sealed = room.subarray(0, total);
    if (read(sealed, 0, position + SEGMENT_HEAD_BYTES) < total) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#nonce.of(index), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(length));
    const content = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
      return { content, bytes: SEGMENT_HEAD_BYTES + total };
    } catch {
      return undefined;
    }
  }
}

/** Whether a file that begins so is a plain journal, a sealed one, or none. */
export const journalKind = (magic: Uint8Array): 'plain' | 'sealed' | undefined => {
  if (SEALED_MAGIC.equals(magic)) return 'sealed';
  return JOURNAL_MAGIC.equals(magic) ? 'plain' : undefined;
};
