/**
 * Keys and tokens: 256 random bits each, told once and kept as SHA-256. A slow hash would guard nothing here: there is no dictionary of
 * such secrets. Their shapes differ, so that one header can carry either.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../core/ids.ts';

const SECRET_BYTES = 32;
const ID_BYTES = 16;

/** 64 lower-case hex digits, as Kazoo's. */
export const newKey = (random: RandomBytes): string => Buffer.from(random(SECRET_BYTES)).toString('hex');

/** 43 characters of base64url. */
export const newToken = (random: RandomBytes): string => Buffer.from(random(SECRET_BYTES)).toString('base64url');

/** 32 lower-case hex digits. */
export const newId = (random: RandomBytes): string => Buffer.from(random(ID_BYTES)).toString('hex');

/** By its shape alone; undefined for what is neither, however long it is. */
export const secretKind = (secret: string): 'key' | 'token' | undefined => {
  if (/^[0-9a-f]{64}$/.test(secret)) return 'key';
  return /^[A-Za-z0-9_-]{43}$/.test(secret) ? 'token' : undefined;
};

/** Lower-case hex. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret, 'utf8').digest('hex');

/** In constant time, of two hashes. */
export const isSameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'));
