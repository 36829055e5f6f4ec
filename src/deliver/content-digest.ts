/** The `Content-Digest` field (RFC 9530 §2): hashing bytes for it, writing it, and reading what a sender claims. */
import { createHash } from 'node:crypto';
import type { ByteSource } from '../core/byte-source.ts';
import { AppError } from '../core/errors.ts';

const CHUNK_BYTES = 65_536;

/** The algorithms of RFC 9530 §5 that are not deprecated, by their names there; Node's names leave out the hyphen. */
export const DIGEST_ALGORITHMS = ['sha-256', 'sha-512'] as const;
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

export const createDigest = (algorithm: DigestAlgorithm) => createHash(algorithm.replace('-', ''));

/**
 * Reads what is to be sent once, for what is said about it before.
 * @returns its SHA-256, 32 bytes, and its size in bytes.
 * @throws INPUT_MISSING when it can't be read; what else the source knows to say of it; the signal's reason
 */
export const measure = async (source: ByteSource, signal?: AbortSignal): Promise<{ sha256: Buffer; size: number }> => {
  const hash = createDigest('sha-256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const bytes = await source.open();
  try {
    let size = 0;
    for (let read = -1; read !== 0; size += read) {
      signal?.throwIfAborted();
      read = await bytes.read(chunk, size);
      hash.update(chunk.subarray(0, read));
    }
    return { sha256: hash.digest(), size };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof AppError) throw error;
    throw new AppError('INPUT_MISSING', "what is to be delivered can't be read", { cause: error });
  } finally {
    await bytes.close();
  }
};

/** `sha-256=:…:`, the byte sequence of RFC 8941 §3.3.5. */
export const formatContentDigest = (sha256: Buffer): string => `sha-256=:${sha256.toString('base64')}:`;

/**
 * Reads a received field: a dictionary of byte sequences.
 * @returns the digests of algorithms known here, possibly none; `undefined` when the field is malformed.
 */
export const parseContentDigest = (value: string): ReadonlyMap<DigestAlgorithm, Buffer> | undefined => {
  const digests = new Map<DigestAlgorithm, Buffer>();
  for (const member of value.split(',')) {
    const match = /^[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):[ \t]*$/.exec(member);
    if (!match) return undefined;
    const algorithm = DIGEST_ALGORITHMS.find((known) => known === match[1]);
    if (algorithm) digests.set(algorithm, Buffer.from(match[2]!, 'base64'));
  }
  return digests;
};
