/** Folders that a test writes to, gone when it ends, and a search of every byte that was written there. */
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

const make = (): string => mkdtempSync(join(tmpdir(), 'record-call-test-'));

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });

/** A new empty folder, removed after the running test whether it passes or not. Call it inside a test. */
export const scratchDir = (): string => {
  const folder = make();
  onTestFinished(() => remove(folder));
  return folder;
};

/** The same for all tests of a file or of a `describe`. Call it outside of tests. */
export const sharedScratchDir = (): string => {
  const folder = make();
  afterAll(() => remove(folder));
  return folder;
};

const CHUNK_BYTES = 1 << 20;

/**
 * Which files below `folder` hold `bytes` anywhere, as paths relative to it, sorted. Looks into every file, hidden ones
 * too, a chunk at a time; links are not followed.
 * @param chunkBytes how much is read at once; smaller only to test the seams.
 */
export const findInFiles = (folder: string, bytes: Buffer, chunkBytes = CHUNK_BYTES): string[] => {
  if (bytes.length === 0) throw new RangeError('an empty pattern is in every file');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => fileHolds(path, bytes, chunkBytes))
    .map((path) => relative(folder, path))
    .sort();
};

const fileHolds = (path: string, bytes: Buffer, chunkBytes: number): boolean => {
  // What may be the beginning of the pattern at the end of one chunk is kept in front of the next.
  const keep = bytes.length - 1;
  const window = Buffer.alloc(keep + Math.max(1, chunkBytes));
  let held = 0;
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const read = readSync(file, window, held, window.length - held, null);
      if (read === 0) return false;
      held += read;
      if (window.subarray(0, held).includes(bytes)) return true;
      const kept = Math.min(keep, held);
      window.copyWithin(0, held - kept, held);
      held = kept;
    }
  } finally {
    closeSync(file);
  }
};
