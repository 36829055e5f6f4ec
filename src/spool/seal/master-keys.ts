/**
 * The installation's master keys: the first wraps data keys, each unwraps what it has wrapped (rotation). A wrapped key is
 *
 *     id 8 · salt 32 · ciphertext · tag 16      AES-256-GCM under HKDF-SHA256(master, salt): no two wraps share a key, nor a nonce
 *
 * bound to what it is for, so that it opens nowhere else. Never shows a key: `id` is derived from it and tells nothing of it.
 */
import { createCipheriv, createDecipheriv, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import { SALT_BYTES, SEAL_KEY_BYTES, type SealKey, sealKeyOf } from './seal-key.ts';

const ID_BYTES = 8;
const TAG_BYTES = 16;
const HEAD_BYTES = ID_BYTES + SALT_BYTES;
/** Each wrap has a key of its own. */
const NONCE = Buffer.alloc(12);

export const WRAPPED_KEY_BYTES = HEAD_BYTES + SEAL_KEY_BYTES + TAG_BYTES;

export class MasterKeys {
  /** The first wraps. May be posted to a worker thread. */
  readonly keys: readonly KeyObject[];
  readonly #byId: ReadonlyMap<string, KeyObject>;
  readonly #random: RandomBytes;

  /** @param keys of 32 bytes; the same key twice is one. @throws RangeError without any */
  constructor(keys: readonly KeyObject[], random: RandomBytes = randomBytes) {
    this.#byId = new Map(keys.map((key) => [idOf(key), key]));
    this.keys = [...this.#byId.values()];
    this.#random = random;
    if (this.keys.length === 0) throw new RangeError('a master key is needed');
  }

  /** Of the one that wraps: 16 hex digits. */
  get id(): string {
    return this.ids[0]!;
  }

  get ids(): readonly string[] {
    return [...this.#byId.keys()];
  }

  /** Whether the one that wraps now has wrapped this. */
  isCurrent(wrapped: Uint8Array): boolean {
    return wrapperOf(wrapped) === this.id;
  }

  /** @param purpose what the key is for: whose, and of what */
  wrap(key: SealKey, purpose: string): Buffer {
    const salt = this.#random(SALT_BYTES);
    const cipher = createCipheriv('aes-256-gcm', wrappingKey(this.keys[0]!, salt), NONCE);
    cipher.setAAD(Buffer.from(purpose));
    const plain = key.export();
    try {
      const sealed = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat([Buffer.from(this.id, 'hex'), salt, ...sealed]);
    } finally {
      plain.fill(0);
    }
  }

  /** @throws KEY_UNUSABLE when none of these has wrapped it, or it is damaged, or it is for something else */
  unwrap(wrapped: Uint8Array, purpose: string): SealKey {
    if (wrapped.length !== WRAPPED_KEY_BYTES)
      throw new AppError('KEY_UNUSABLE', `the key of ${purpose} is damaged: its file has ${wrapped.length} bytes`);
    const wrapper = wrapperOf(wrapped);
    const master = this.#byId.get(wrapper);
    if (master === undefined)
      throw new AppError(
        'KEY_UNUSABLE',
        `the key of ${purpose} was sealed by the master key ${wrapper}, and there is only ${this.ids.join(', ')}: put that one's line back behind the others`,
      );
    const body = wrapped.length - TAG_BYTES;
    const wrapping = wrappingKey(master, wrapped.subarray(ID_BYTES, HEAD_BYTES));
    const decipher = createDecipheriv('aes-256-gcm', wrapping, NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(wrapped.subarray(body));
    const plain = decipher.update(wrapped.subarray(HEAD_BYTES, body));
    try {
      decipher.final();
      return sealKeyOf(plain);
    } catch (cause) {
      throw new AppError('KEY_UNUSABLE', `the key of ${purpose} is damaged, or another's`, { cause });
    } finally {
      plain.fill(0);
    }
  }
}

const NO_SALT = Buffer.alloc(0);

const idOf = (key: KeyObject): string =>
  Buffer.from(hkdfSync('sha256', key, NO_SALT, 'record-call master key id', ID_BYTES)).toString('hex');

const wrapperOf = (wrapped: Uint8Array): string => Buffer.from(wrapped.subarray(0, ID_BYTES)).toString('hex');

const wrappingKey = (master: KeyObject, salt: Uint8Array): KeyObject =>
  sealKeyOf(new Uint8Array(hkdfSync('sha256', master, salt, 'record-call wrap', SEAL_KEY_BYTES)));
