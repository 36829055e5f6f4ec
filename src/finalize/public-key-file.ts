/** Reads whose signature is trusted: a public key in PEM (RFC 8410), or what the API serves as `…/signing_key`. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import { publicKeyDocument, rawPublicKey } from './signature.ts';

/** More than either has, with whatever a server puts around it. */
const MOST_BYTES = 65_536;

/** @returns base64 of the raw key. @throws INPUT_MISSING, KEY_UNUSABLE */
export const readPublicKey = async (path: string): Promise<string> => {
  const text = await textOf(path);
  const key = served(text) ?? inPem(text);
  if (key?.asymmetricKeyType === 'ed25519') return publicKeyDocument(key).public_key;
  throw new AppError(
    'KEY_UNUSABLE',
    `${path} holds no Ed25519 public key: it takes PEM, or the answer of GET /v2/accounts/…/signing_key`,
  );
};

const textOf = async (path: string): Promise<string> => {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(MOST_BYTES), position: 0 });
    return buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    throw new AppError('INPUT_MISSING', `can't read the key ${path} (${systemCode(cause) ?? 'unknown'})`, { cause });
  } finally {
    await file?.close();
  }
};

/** The document alone, or in its envelope. */
const served = (text: string): KeyObject | undefined => {
  try {
    const answer = JSON.parse(text) as { data?: { public_key?: unknown }; public_key?: unknown } | null;
    const key = answer?.data?.public_key ?? answer?.public_key;
    return typeof key === 'string' ? rawPublicKey(key) : undefined;
  } catch {
    return undefined;
  }
};

const inPem = (text: string): KeyObject | undefined => {
  try {
    return createPublicKey(text);
  } catch {
    return undefined;
  }
};
