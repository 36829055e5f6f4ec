/** The `Content-Digest` field (RFC 9530 §2): hashing a file for it, writing it, and reading what a sender claims. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../core/errors.ts';

/** The algorithms of RFC 9530 §5 that are not deprecated, by their names there; Node's names leave out the hyphen. */
export const DIGEST_ALGORITHMS = ['sha-256', 'sha-512'] as const;
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

export const createDigest = (algorithm: DigestAlgorithm) => createHash(algorithm.replace('-', ''));

/**
 * Reads a file once, for what is said about it before it is sent.
 * @returns its SHA-256, 32 bytes, and its size in bytes.
 * @throws INPUT_MISSING when the file can't be read.
 */
export const measureFile = async (path: string, signal?: AbortSignal): Promise<{ sha256: Buffer; size: number }> => {
  const hash = createDigest('sha-256');
  const file = createReadStream(path);
  try {
    await pipeline(file, hash, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw new AppError('INPUT_MISSING', `the file to deliver can't be read: ${path}`, { cause: error });
  }
  return { sha256: hash.read() as Buffer, size: file.bytesRead };
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
