/** The recordings. Never touches their files. */
import { AppError } from '../core/errors.ts';
import { RECORDING_COLUMNS } from './recording-columns.ts';
import { type RecordingPage, readPage } from './recording-page.ts';
import type { RecordingQuery } from './recording-query.ts';
import type { RecordingPatch, RecordingRow, RecordingState } from './rows.ts';
import type { Queries } from './schema.ts';

/** Where a recording is that has not come to its end. */
const UNFINISHED: readonly RecordingState[] = ['recording', 'finalizing', 'delivering'];

export class RecordingTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** @throws CONFLICT when there is one of that id, in any account */
  async insert(row: RecordingRow): Promise<void> {
    const { numInsertedOrUpdatedRows: inserted } = await this.#queries
      .insertInto('recordings')
      .values(RECORDING_COLUMNS.stored(row))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted === 0n) throw new AppError('CONFLICT', 'there is a recording of that id');
  }

  /** @returns false when there is none of that id */
  async update(id: string, patch: RecordingPatch): Promise<boolean> {
    const { accountId: _, ...columns } = RECORDING_COLUMNS.patch(patch);
    const { numUpdatedRows } = await this.#queries
      .updateTable('recordings')
      // The id as it is: a patch may be empty, an update not.
      .set({ ...columns, id })
      .where('id', '=', id)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async get(accountId: string, id: string): Promise<RecordingRow | undefined> {
    const stored = await this.#queries
      .selectFrom('recordings')
      .selectAll()
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .executeTakeFirst();
    return stored && RECORDING_COLUMNS.row(stored);
  }

  /** @throws FIELDS_INVALID for a start key that is none; RANGE_TOO_LARGE when all are asked for and there are too many */
  page(query: RecordingQuery): Promise<RecordingPage> {
    return readPage(this.#queries, query);
  }

  /** All that a restart has to go on with, oldest first. */
  async unfinished(): Promise<RecordingRow[]> {
    const stored = await this.#queries
      .selectFrom('recordings')
      .selectAll()
      .where('state', 'in', UNFINISHED)
      .orderBy('startUs')
      .orderBy('id')
      .execute();
    return stored.map((recording) => RECORDING_COLUMNS.row(recording));
  }

  /** The oldest of those made before `createdGregorian`, of any account: what retention looks at. */
  async olderThan(createdGregorian: number, limit: number, states: readonly RecordingState[]): Promise<RecordingRow[]> {
    const stored = await this.#queries
      .selectFrom('recordings')
      .selectAll()
      .where('createdGregorian', '<', createdGregorian)
      .where('state', 'in', states)
      .orderBy('createdGregorian')
      .orderBy('id')
      .limit(limit)
      .execute();
    return stored.map((recording) => RECORDING_COLUMNS.row(recording));
  }

  /** Its delivery goes with it. @returns false when the account has none of that id */
  async remove(accountId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('recordings')
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
