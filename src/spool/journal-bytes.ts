/** What a journal holds, in the clear, from front to back: read as it lies there, or opened segment by segment. Synchronous, like its reader. */
import { closeSync, openSync, readSync } from 'node:fs';
import { AppError, systemCode } from '../core/errors.ts';
import { JOURNAL_MAGIC } from './journal-record.ts';
import { journalKind, type ReadNext, SegmentOpener } from './journal-segments.ts';
import type { SealKey } from './seal/seal-key.ts';

export class JournalBytes {
  /** Set when there is more in the file than can be read. */
  torn = false;
  readonly #file: number;
  readonly #opener: SegmentOpener | undefined;
  #segment: Buffer = Buffer.alloc(0);

  /** @param key what the journal is sealed under, if it is. @throws JOURNAL_UNREADABLE, KEY_MISSING */
  static open(path: string, key: SealKey | undefined): JournalBytes {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (cause) {
      const why = systemCode(cause) ?? 'unknown';
      throw new AppError('JOURNAL_UNREADABLE', `journal can't be opened (${why}): ${path}`, { cause });
    }
    try {
      return new JournalBytes(path, file, key);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  private constructor(path: string, file: number, key: SealKey | undefined) {
    this.#file = file;
    const read = readerOf(file);
    const magic = Buffer.alloc(JOURNAL_MAGIC.length);
    const kind = journalKind(magic.subarray(0, read(magic)));
    if (kind === undefined) throw new AppError('JOURNAL_UNREADABLE', `not a journal: ${path}`);
    if (kind === 'plain') {
      // Where a key was made, nothing was written without it: somebody else has put this here.
      if (key !== undefined) throw new AppError('JOURNAL_UNREADABLE', `the journal is not sealed: ${path}`);
      return;
    }
    if (key === undefined)
      throw new AppError('KEY_MISSING', `the journal is sealed and its key is gone: restore it from a backup: ${path}`);
    try {
      this.#opener = new SegmentOpener(key, read);
    } catch (cause) {
      throw new AppError('JOURNAL_UNREADABLE', `the journal's head is damaged: ${path}`, { cause });
    }
  }

  /** Puts what comes next into `into`, from `at` on. @returns how many bytes; 0 at the end, whole or torn */
  read(into: Buffer, at: number): number {
    if (this.#opener === undefined) return readSync(this.#file, into, at, into.length - at, null);
    if (this.#segment.length === 0 && !this.torn) {
      const next = this.#opener.next();
      if (next === 'torn') this.torn = true;
      else if (next !== 'end') this.#segment = next;
    }
    const copied = this.#segment.copy(into, at);
    this.#segment = this.#segment.subarray(copied);
    return copied;
  }

  close(): void {
    closeSync(this.#file);
  }
}

const readerOf =
  (file: number): ReadNext =>
  (into) => {
    let done = 0;
    while (done < into.length) {
      const read = readSync(file, into, done, into.length - done, null);
      if (read === 0) break;
      done += read;
    }
    return done;
  };
