/** Sees to it that a journal has its row: the one it was started with, or one made anew from its head and the note beside it. */
import type { Clock } from '../../core/clock.ts';
import { AppError, asAppError } from '../../core/errors.ts';
import type { RecordingRow } from '../../store/rows.ts';
import type { FoundJournal, Journals } from './journals.ts';
import { rowOf } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';

export class JournalRows {
  readonly #store: Pick<ShelfStore, 'recordings'>;
  readonly #journals: Journals;
  readonly #clock: Clock;

  constructor(store: Pick<ShelfStore, 'recordings'>, journals: Journals, clock: Clock) {
    this.#store = store;
    this.#journals = journals;
    this.#clock = clock;
  }

  /** @throws when the row is lost and the journal's head too: JOURNAL_UNREADABLE, KEY_MISSING, KEY_UNUSABLE; STORE_FAILED */
  async of(journal: FoundJournal): Promise<RecordingRow> {
    const { accountId, id, path } = journal;
    const known = await this.#store.recordings.get(accountId, id);
    if (known !== undefined) return known;
    const head = await this.#journals.headOf(journal);
    if (head === undefined || head.id !== id)
      throw new AppError('JOURNAL_UNREADABLE', `the journal is not that of its name: ${path}`);
    const row = rowOf(head, await this.#journals.about(accountId, id), path, this.#clock.now());
    return this.insert(row);
  }

  /** Adds a row unless there is one. @returns the one that is there */
  async insert(row: RecordingRow): Promise<RecordingRow> {
    try {
      await this.#store.recordings.insert(row);
      return row;
    } catch (error) {
      const there = await this.#store.recordings.get(row.accountId, row.id);
      if (asAppError(error).code !== 'CONFLICT' || there === undefined) throw error;
      return there;
    }
  }
}
