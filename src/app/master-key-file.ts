/**
 * Master keys as text: 64 hex digits each, in a file one a line (empty lines and those that begin with # are passed over), the first of
 * which wraps. Bytes of a key are overwritten as soon as they are read, and are in no message.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, systemCode } from '../core/errors.ts';
import { syncFolder } from '../spool/folder-sync.ts';
import { SEAL_KEY_BYTES, type SealKey, sealKeyOf } from '../spool/seal/seal-key.ts';

const HEX_DIGITS = 2 * SEAL_KEY_BYTES;
/** As many keys as anybody rotates through, with their comments. */
const LARGEST_FILE_BYTES = 16_384;
const OTHERS = 0o077;
const NEW_KEY = 'openssl rand -hex 32 prints one';

/** @param digits ASCII. @returns undefined unless they are 64 hex digits */
export const masterKeyIn = (digits: Uint8Array): SealKey | undefined => {
  if (digits.length !== HEX_DIGITS) return undefined;
  const bytes = new Uint8Array(SEAL_KEY_BYTES);
  for (let at = 0; at < HEX_DIGITS; at++) {
    const digit = hexDigit(digits[at]!);
    if (digit === undefined) {
      bytes.fill(0);
      return undefined;
    }
    bytes[at >> 1] = (bytes[at >> 1]! << 4) | digit;
  }
  return sealKeyOf(bytes);
};

const hexDigit = (code: number): number | undefined => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : undefined;
};

/** @returns undefined when there is no such file. @throws KEY_UNUSABLE saying what to do */
export const readMasterKeys = async (path: string): Promise<readonly SealKey[] | undefined> => {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    const why = systemCode(cause) ?? 'unknown';
    if (why === 'ENOENT') return undefined;
    throw new AppError(
      'KEY_UNUSABLE',
      `can't read the master key ${path} (${why}): let this user, and nobody else, read it`,
      {
        cause,
      },
    );
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & OTHERS) !== 0)
      throw new AppError(
        'KEY_UNUSABLE',
        `others may read the master key: run chmod 600 ${path}; if they may have, put a new first line into it (${NEW_KEY})`,
      );
    if (size > LARGEST_FILE_BYTES) throw unusable(path, `it has more than ${LARGEST_FILE_BYTES} bytes`);
    const text = await file.readFile();
    try {
      return keysIn(text, path);
    } finally {
      text.fill(0);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unusable(path, systemCode(error) ?? 'unknown');
  } finally {
    await file.close();
  }
};

const keysIn = (text: Buffer, path: string): readonly SealKey[] => {
  const keys: SealKey[] = [];
  for (let from = 0, line = 1; from < text.length; line++) {
    const found = text.indexOf(0x0a, from);
    const end = found < 0 ? text.length : found;
    const content = trimmed(text.subarray(from, end));
    from = end + 1;
    if (content.length === 0 || content[0] === 0x23) continue;
    const key = masterKeyIn(content);
    if (key === undefined) throw unusable(path, `line ${line} has no 64 hex digits`);
    keys.push(key);
  }
  if (keys.length === 0) throw unusable(path, 'there is no key in it');
  return keys;
};

const trimmed = (line: Buffer): Buffer => {
  let [from, to] = [0, line.length];
  while (from < to && line[from]! <= 0x20) from++;
  while (to > from && line[to - 1]! <= 0x20) to--;
  return line.subarray(from, to);
};

const unusable = (path: string, why: string): AppError =>
  new AppError('KEY_UNUSABLE', `${path} holds no master key, ${why}: restore it from a backup`);

/** Makes a file with a new key; it appears whole and durable, for its owner alone. @throws OUTPUT_UNWRITABLE */
export const makeMasterKey = async (path: string): Promise<readonly SealKey[]> => {
  const bytes = randomBytes(SEAL_KEY_BYTES);
  const text = Buffer.alloc(HEX_DIGITS + 1, '\n');
  for (const [n, byte] of bytes.entries()) text.write(byte.toString(16).padStart(2, '0'), 2 * n);
  const part = `${path}.part`;
  try {
    const file = await open(part, 'w', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
    return [sealKeyOf(bytes)];
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {});
    const why = systemCode(cause) ?? 'unknown';
    throw new AppError(
      'OUTPUT_UNWRITABLE',
      `the master key ${path} can't be written (${why}); RECORD_CALL_MASTER_KEY_FILE names another place`,
      { cause },
    );
  } finally {
    text.fill(0);
    bytes.fill(0);
  }
};
