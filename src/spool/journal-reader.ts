/**
 * Reads a journal that nobody writes to any more, from front to back. A torn or damaged tail ends the reading where it begins: what
 * came before it is whole.
 */
import { AppError } from '../core/errors.ts';
import { JournalCursor, type JournalRecord } from './journal-cursor.ts';
import { JournalSource } from './journal-source.ts';
import type { SealKey } from './seal/seal-key.ts';

export type { JournalRecord } from './journal-cursor.ts';
export type { JournalFile } from './journal-source.ts';

export type JournalEnd = {
  /** Bytes that were whole, in the clear. */
  bytes: number;
  /** Whether something after them was not. */
  torn: boolean;
};

/**
 * Yields the records of the journal at `path`.
 * @param end filled in when the reading ends.
 * @param key what it is sealed under; without one it is plain.
 * @throws JOURNAL_UNREADABLE when the file is missing, is no journal, or not even its first record is whole, or opens under this key;
 * KEY_MISSING when it is sealed and there is no key
 */
export function* readJournal(
  path: string,
  end: JournalEnd = { bytes: 0, torn: false },
  key?: SealKey | undefined,
): Generator<JournalRecord> {
  const source = JournalSource.open({ path, key });
  if (source === undefined) throw damagedHead(path);
  const cursor = new JournalCursor(source);
  try {
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      yield record;
      end.bytes = cursor.bytes;
    }
    if (!cursor.hasBegun) throw damagedHead(path);
    end.bytes = cursor.bytes;
    end.torn = cursor.hasMore;
  } finally {
    cursor.rest();
    source.close();
  }
}

export const damagedHead = (path: string): AppError =>
  new AppError('JOURNAL_UNREADABLE', `the journal's head is damaged: ${path}`);
