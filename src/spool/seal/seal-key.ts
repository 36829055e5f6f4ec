/**
 * A recording's data key, and the key of each file sealed under it (HKDF-SHA256, RFC 5869; AES-256-GCM, NIST SP 800-38D).
 * A file draws a salt of its own, so its key seals nothing else and a nonce may simply count. Never writes a key anywhere.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { RandomBytes } from '../../core/ids.ts';

/** Secret, 32 bytes; may be posted to a worker thread. */
export type SealKey = KeyObject;

export const SEAL_KEY_BYTES = 32;
export const SALT_BYTES = 32;

/** What the file under the key holds: one salt drawn twice for two purposes still gives two keys. */
export type SealPurpose = 'journal' | 'artefact' | 'pcm' | 'peaks' | 'upload' | 'text';

export const newSealKey = (random: RandomBytes): SealKey => sealKeyOf(random(SEAL_KEY_BYTES));

/**
 * The key of bytes that nobody else keeps: they are overwritten here.
 *
 * @throws RangeError when there aren't 32
 */
export function sealKeyOf(bytes: Uint8Array): SealKey {
  try {
    if (bytes.length !== SEAL_KEY_BYTES) throw new RangeError(`a key has ${SEAL_KEY_BYTES} bytes, not ${bytes.length}`);
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/**
 * The AES-256 key of one file.
 *
 * @param salt 32 random bytes, kept at the head of that file and used for no other
 * @throws RangeError when the salt has another length
 */
export function fileKey(key: SealKey, salt: Uint8Array, purpose: SealPurpose): KeyObject {
  if (salt.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes, not ${salt.length}`);
  return sealKeyOf(new Uint8Array(hkdfSync('sha256', key, salt, `record-call ${purpose}`, SEAL_KEY_BYTES)));
}
