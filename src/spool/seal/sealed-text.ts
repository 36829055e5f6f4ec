/**
 * A small secret as text that can be kept anywhere: `sealed1.` and, in base64url, salt 32 · ciphertext · tag 16 (AES-256-GCM). Each has
 * a key of its own by its salt. Never tells why one does not open: whoever asks may be who changed it.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import { fileKey, SALT_BYTES, type SealKey } from './seal-key.ts';

const MARK = 'sealed1.';
const TAG_BYTES = 16;
const NONCE = Buffer.alloc(12);

/** @param purpose what it is for; it opens for nothing else */
export const sealedText = (key: SealKey, plain: string, purpose: string, random: RandomBytes): string => {
  const salt = random(SALT_BYTES);
  const cipher = createCipheriv('aes-256-gcm', fileKey(key, salt, 'text'), NONCE);
  cipher.setAAD(Buffer.from(purpose));
  const sealed = [cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return MARK + Buffer.concat([salt, ...sealed]).toString('base64url');
};

/** @throws KEY_UNUSABLE */
export const openSealedText = (key: SealKey, sealed: string, purpose: string): string => {
  try {
    if (!sealed.startsWith(MARK)) throw new RangeError('not sealed');
    const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url');
    const body = bytes.length - TAG_BYTES;
    const own = fileKey(key, bytes.subarray(0, SALT_BYTES), 'text');
    const decipher = createDecipheriv('aes-256-gcm', own, NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(body));
    return Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES, body)), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new AppError('KEY_UNUSABLE', 'a sealed secret in the store does not open: set it anew', { cause });
  }
};
