/**
 * A sealed journal (AES-256-GCM, NIST SP 800-38D): what gathers between two flushes is one segment, so that no flush waits for more.
 *
 *     file     "RCJOURN2" · salt 32 · segment*
 *     segment  length u32 · ciphertext · tag 16       length, of the ciphertext, little-endian
 *
 * The key is that file's alone (`fileKey`), the nonce is the segment's number: one that was moved, swapped or comes from another file
 * does not open. That segments are missing at the end nobody can tell from a recorder that died there: the close record is the end.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { JOURNAL_MAGIC, MAX_RECORD_BYTES, RECORD_HEAD_BYTES } from './journal-record.ts';
import { fileKey, SALT_BYTES, type SealKey } from './seal/seal-key.ts';

export const SEALED_MAGIC = Buffer.from('RCJOURN2', 'latin1');
export const SEALED_HEAD_BYTES = SEALED_MAGIC.length + SALT_BYTES;
export const SEGMENT_HEAD_BYTES = 4;
export const TAG_BYTES = 16;
/** A segment holds a block, or one record that is larger than a block. */
const MAX_SEGMENT_BYTES = MAX_RECORD_BYTES + RECORD_HEAD_BYTES;

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;

/** Counts segments; never the same number twice. */
class Nonce {
  readonly #bytes = Buffer.alloc(NONCE_BYTES);
  #next = 0;

  next(): Buffer {
    this.#bytes.writeUIntBE(this.#next++, NONCE_BYTES - 6, 6);
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

  /** @returns what belongs behind everything that was returned before */
  seal(block: Uint8Array): Buffer {
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#nonce.next());
    const ciphertext = cipher.update(block);
    cipher.final();
    const head = this.#head ?? NOTHING;
    this.#head = undefined;
    const length = Buffer.allocUnsafe(SEGMENT_HEAD_BYTES);
    length.writeUInt32LE(ciphertext.length);
    return Buffer.concat([head, length, ciphertext, cipher.getAuthTag()]);
  }
}

const NOTHING = Buffer.alloc(0);

/** Reads the next so many bytes of a file, fewer at its end only. */
export type ReadNext = (into: Buffer) => number;

/** Opens a sealed journal's segments one after another, from behind its magic. */
export class SegmentOpener {
  readonly #read: ReadNext;
  readonly #key: KeyObject;
  readonly #nonce = new Nonce();
  readonly #length = Buffer.alloc(SEGMENT_HEAD_BYTES);
  #room = Buffer.alloc(0);

  /** @throws RangeError when the file ends before its first segment */
  constructor(key: SealKey, read: ReadNext) {
    const salt = Buffer.alloc(SALT_BYTES);
    if (read(salt) < SALT_BYTES) throw new RangeError('no salt');
    this.#key = fileKey(key, salt, 'journal');
    this.#read = read;
  }

  /** @returns the next segment's content; `end` behind the last, `torn` for one that is cut, damaged or not where it was */
  next(): Buffer | 'end' | 'torn' {
    const read = this.#read(this.#length);
    if (read === 0) return 'end';
    const length = this.#length.readUInt32LE();
    if (read < SEGMENT_HEAD_BYTES || length === 0 || length > MAX_SEGMENT_BYTES) return 'torn';
    const total = length + TAG_BYTES;
    if (this.#room.length < total) this.#room = Buffer.allocUnsafe(total);
    const sealed = this.#room.subarray(0, total);
    if (this.#read(sealed) < total) return 'torn';
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#nonce.next(), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(length));
    const content = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
      return content;
    } catch {
      return 'torn';
    }
  }
}

/** Whether a file that begins so is a plain journal, a sealed one, or none. */
export const journalKind = (magic: Uint8Array): 'plain' | 'sealed' | undefined => {
  if (SEALED_MAGIC.equals(magic)) return 'sealed';
  return JOURNAL_MAGIC.equals(magic) ? 'plain' : undefined;
};
