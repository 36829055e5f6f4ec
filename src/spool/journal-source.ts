/**
 * A journal's file, open for reading, and windows on what it holds in the clear: as it lies there, or opened segment by segment. The
 * file may still grow. Synchronous: it runs in a worker or at recovery, never on the thread that takes in media.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AppError, systemCode } from '../core/errors.ts';
import { JOURNAL_MAGIC } from './journal-record.ts';
import { journalKind, SEALED_HEAD_BYTES, SegmentOpener } from './journal-segments.ts';
import type { JournalWindow } from './journal-window.ts';
import { PlainWindow } from './plain-window.ts';
import type { SealKey } from './seal/seal-key.ts';
import { SealedWindow } from './sealed-window.ts';

/** Where a journal is, and what it is sealed under, if it is. */
export type JournalFile = { readonly path: string; readonly key?: SealKey | undefined };

export class JournalSource {
  readonly path: string;
  readonly #file: number;
  readonly #opener: SegmentOpener | undefined;
  #isClosed = false;

  /**
   * @param key what it is sealed under, if it is
   * @returns undefined when it is too short yet to be any journal
   * @throws JOURNAL_UNREADABLE, KEY_MISSING
   */
  static open({ path, key }: JournalFile): JournalSource | undefined {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (cause) {
      const why = systemCode(cause) ?? 'unknown';
      throw new AppError('JOURNAL_UNREADABLE', `journal can't be opened (${why}): ${path}`, { cause });
    }
    try {
      const head = Buffer.alloc(SEALED_HEAD_BYTES);
      const read = readAt(file, head, 0, 0);
      const kind = journalKind(head.subarray(0, Math.min(read, JOURNAL_MAGIC.length)));
      if (kind === undefined && read >= JOURNAL_MAGIC.length)
        throw new AppError('JOURNAL_UNREADABLE', `not a journal: ${path}`);
      const isWhole = kind === 'plain' || (kind === 'sealed' && read === SEALED_HEAD_BYTES);
      if (kind !== undefined) checkKey(path, kind, key);
      if (isWhole) return new JournalSource(path, file, kind === 'sealed' ? new SegmentOpener(key!, head) : undefined);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    closeSync(file);
    return undefined;
  }

  private constructor(path: string, file: number, opener: SegmentOpener | undefined) {
    this.path = path;
    this.#file = file;
    this.#opener = opener;
  }

  /** A window at its beginning; there may be several. */
  window(): JournalWindow {
    const read = (into: Buffer, at: number, position: number): number => readAt(this.#file, into, at, position);
    const size = (): number => fstatSync(this.#file).size;
    if (this.#opener === undefined) return new PlainWindow(read, size, JOURNAL_MAGIC.length);
    return new SealedWindow(read, size, this.#opener, SEALED_HEAD_BYTES);
  }

  /** Of the file, as it is now. */
  get size(): number {
    return fstatSync(this.#file).size;
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#file);
  }
}

/** Where a key was made, nothing was written without it: a plain journal was put there by somebody else. */
const checkKey = (path: string, kind: 'plain' | 'sealed', key: SealKey | undefined): void => {
  if (kind === 'plain' && key !== undefined)
    throw new AppError('JOURNAL_UNREADABLE', `the journal is not sealed: ${path}`);
  if (kind === 'sealed' && key === undefined)
    throw new AppError('KEY_MISSING', `the journal is sealed and its key is gone: restore it from a backup: ${path}`);
};

const readAt = (file: number, into: Buffer, at: number, position: number): number => {
  let done = at;
  while (done < into.length) {
    const read = readSync(file, into, done, into.length - done, position + done - at);
    if (read === 0) break;
    done += read;
  }
  return done - at;
};
