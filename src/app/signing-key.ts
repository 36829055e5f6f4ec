/**
 * The Ed25519 key that manifests are signed with, in `signing.key` of the data folder: PKCS8 in PEM, mode 0600, made at the first start. Once
 * one was in use, another never takes its place by itself. Never logged, and never leaves the process but to the finalizers' threads.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, systemCode } from '../core/errors.ts';
import { publicKeyDocument } from '../finalize/signature.ts';
import type { Store } from '../store/store.ts';

export const signingKeyPath = (dataFolder: string): string => join(dataFolder, 'signing.key');

/** A PEM of one such key has some 120 bytes. */
const MOST_BYTES = 16_384;
const OTHERS = 0o077;
const MAKE_ONE = 'openssl genpkey -algorithm ed25519 makes one';

/** @throws INPUT_MISSING when there is none; KEY_UNUSABLE when others may read it, or it is no private key of Ed25519 */
export const readSigningKey = async (path: string): Promise<KeyObject> => {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    const why = systemCode(cause) ?? 'unknown';
    throw new AppError('INPUT_MISSING', `can't read the signing key ${path} (${why}); ${MAKE_ONE}`, { cause });
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & OTHERS) !== 0)
      throw new AppError('KEY_UNUSABLE', `others may read the signing key ${path}: chmod 600 it, or take another`);
    return privateKeyIn(size > MOST_BYTES ? '' : await file.readFile('utf8'), path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unusable(path, error);
  } finally {
    await file.close();
  }
};

const privateKeyIn = (pem: string, path: string): KeyObject => {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw unusable(path);
  return key;
};

const unusable = (path: string, cause?: unknown): AppError =>
  // What OpenSSL says of it is left out: nothing of a key file belongs into a message.
  new AppError('KEY_UNUSABLE', `${path} is no private Ed25519 key in PEM without a password; ${MAKE_ONE}`, { cause });

export type SigningKeyInUse = {
  readonly key: KeyObject;
  /** Whether it was in use before, or another one was. */
  readonly use: 'known' | 'first' | 'another';
  /** Takes it for known from now on. @throws STORE_FAILED */
  readonly remember: () => Promise<void>;
};

/**
 * The installation's key. Its store remembers which ones were in use; nobody else may have the data folder meanwhile.
 * @throws KEY_UNUSABLE, also when one was in use and its file is gone; OUTPUT_UNWRITABLE
 */
export const installedSigningKey = async (
  dataFolder: string,
  { signingKeys }: Pick<Store, 'signingKeys'>,
  nowUs: number,
): Promise<SigningKeyInUse> => {
  const path = signingKeyPath(dataFolder);
  const used = await signingKeys.list();
  let key: KeyObject;
  try {
    key = await readSigningKey(path);
  } catch (error) {
    if (systemCode((error as AppError).cause) !== 'ENOENT') throw asUnusable(error);
    const last = used.at(-1);
    if (last !== undefined) throw gone(path, last.keyId, error);
    key = await makeSigningKey(path);
  }
  const { key_id: keyId, public_key: publicKey } = publicKeyDocument(key);
  const remember = async (): Promise<void> => void (await signingKeys.add({ keyId, publicKey, firstUs: nowUs }));
  if (used.some((each) => each.keyId === keyId)) return { key, use: 'known', remember };
  // Another one is remembered when it has been told: a start that fails in between tells it again.
  if (used.length > 0) return { key, use: 'another', remember };
  await remember();
  return { key, use: 'first', remember };
};

/** There, but not to be read: no more missing than one that is broken. */
const asUnusable = (error: unknown): AppError => {
  const { code, message, cause } = error as AppError;
  return code === 'INPUT_MISSING' ? new AppError('KEY_UNUSABLE', message, { cause }) : (error as AppError);
};

const gone = (path: string, keyId: string, cause: unknown): AppError =>
  new AppError(
    'KEY_UNUSABLE',
    `${path} is gone, and manifests were signed with it (key ${keyId}): put it back from a copy, or make another yourself (openssl genpkey -algorithm ed25519 -out ${path})`,
    { cause },
  );

/** Under its name when it is whole and on disk, not before. */
const makeSigningKey = async (path: string): Promise<KeyObject> => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const part = `${path}.part`;
  try {
    const file = await open(part, 'w', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
    return privateKey;
  } catch (cause) {
    const why = systemCode(cause) ?? 'unknown';
    throw new AppError('OUTPUT_UNWRITABLE', `the signing key ${path} can't be written (${why})`, { cause });
  }
};
