/**
 * Reads one page of an account's recordings. Filters look into documents, which the database does not: rows are read in batches, and
 * between two of them everything else on this thread has its turn.
 */
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import { RECORDING_COLUMNS } from './recording-columns.ts';
import { passes, type RecordingQuery } from './recording-query.ts';
import type { RecordingRow } from './rows.ts';
import type { Queries } from './schema.ts';
import { type PagePlace, placeOf, startKeyOf } from './start-key.ts';

export type RecordingPage = {
  readonly recordings: readonly RecordingRow[];
  /** Of the first row; what was asked for, or empty, when there is none. */
  readonly startKey: string;
  /** Of the row after the last; undefined when there is none. */
  readonly nextStartKey: string | undefined;
};

/** The longest page, and the longest list where no page is asked for. */
export const MOST_ROWS = 10_000;

/** A few milliseconds' work. */
const BATCH_ROWS = 100;

type Edge = PagePlace & { readonly isIncluded: boolean };

/**
 * Rows that are there from the first page to the last appear once, whatever comes and goes meanwhile.
 * @throws FIELDS_INVALID for a start key that is none; RANGE_TOO_LARGE when all are asked for and there are more than `MOST_ROWS`
 */
export const readPage = async (queries: Queries, query: RecordingQuery): Promise<RecordingPage> => {
  const { filters, pageSize, documentOf = (row) => row.document } = query;
  const most = Math.min(pageSize ?? MOST_ROWS, MOST_ROWS);
  const recordings: RecordingRow[] = [];
  let edge: Edge | undefined =
    query.startKey === undefined ? undefined : { ...placeOf(query.startKey), isIncluded: true };
  for (;;) {
    const limit = filters.length > 0 ? BATCH_ROWS : Math.min(BATCH_ROWS, most - recordings.length + 1);
    const batch = await readBatch(queries, query, edge, limit);
    for (const row of batch) {
      if (!passes(documentOf(row), filters)) continue;
      if (recordings.length === most) return pageOf(query, recordings, row);
      recordings.push(row);
    }
    const last = batch.at(-1);
    if (last === undefined || batch.length < limit) return pageOf(query, recordings, undefined);
    edge = { createdGregorian: last.createdGregorian, id: last.id, isIncluded: false };
    await setImmediate();
  }
};

const pageOf = (
  { pageSize, startKey }: RecordingQuery,
  recordings: readonly RecordingRow[],
  next: RecordingRow | undefined,
): RecordingPage => {
  if (next !== undefined && pageSize === undefined) {
    throw new AppError('RANGE_TOO_LARGE', `more than ${MOST_ROWS} recordings: ask for pages, or for a shorter time`);
  }
  const [first] = recordings;
  return {
    recordings,
    startKey: first === undefined ? (startKey ?? '') : startKeyOf(first),
    nextStartKey: next && startKeyOf(next),
  };
};

const readBatch = async (
  queries: Queries,
  { accountId, createdFrom, createdTo, ascending, ownerId, filters }: RecordingQuery,
  edge: Edge | undefined,
  limit: number,
): Promise<RecordingRow[]> => {
  const time = edge?.createdGregorian;
  // One bound on each side, the narrower, so that the index is entered where the page begins.
  const least = ascending && time !== undefined ? Math.max(createdFrom, time) : createdFrom;
  const greatest = !ascending && time !== undefined ? Math.min(createdTo, time) : createdTo;
  let rows = queries
    .selectFrom('recordings')
    .selectAll()
    .where('accountId', '=', accountId)
    .where('createdGregorian', '>=', least)
    .where('createdGregorian', '<=', greatest);
  if (ownerId !== undefined) rows = rows.where('ownerId', '=', ownerId);
  // The filter that everyone uses, because there is no other way to a call's recordings, has an index.
  const call = filters.find(({ kind, key }) => kind === 'is' && key === 'call_id');
  if (call !== undefined) rows = rows.where('callId', '=', call.value);
  if (edge !== undefined) {
    const beyond = ascending ? '>' : '<';
    const fromEdge = edge.isIncluded ? (`${beyond}=` as const) : beyond;
    rows = rows.where(({ eb, or }) =>
      or([eb('createdGregorian', beyond, edge.createdGregorian), eb('id', fromEdge, edge.id)]),
    );
  }
  const order = ascending ? 'asc' : 'desc';
  const stored = await rows.orderBy('createdGregorian', order).orderBy('id', order).limit(limit).execute();
  return stored.map((recording) => RECORDING_COLUMNS.row(recording));
};
