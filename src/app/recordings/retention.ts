/** What is old enough goes: audio, manifest and row of recordings that were delivered or had no target (design §6.5). Never one that is on its way. */
import { asAppError } from '../../core/errors.ts';
import { gregorianSeconds } from '../../core/ids.ts';
import type { RecordingRow, RecordingState } from '../../store/rows.ts';
import type { ShelfStore } from './shelf-store.ts';

const DAY_US = 86_400e6;
const BATCH_ROWS = 200;

const OVER: readonly RecordingState[] = ['delivered', 'stored', 'discarded', 'failed'];

export type SweepOptions = {
  readonly store: ShelfStore;
  readonly nowUs: number;
  /** 0: for ever. */
  readonly retentionDays: number;
  readonly remove: (row: RecordingRow) => Promise<void>;
  /** Told of one that could not be removed: it is tried again with the next sweep, and the others go meanwhile. */
  readonly onKept: (row: RecordingRow, error: unknown) => void;
  readonly signal: AbortSignal;
};

/** @returns how many were removed. @throws STORE_FAILED */
export const sweep = async ({ store, nowUs, retentionDays, remove, onKept, signal }: SweepOptions): Promise<number> => {
  if (retentionDays === 0) return 0;
  const before = gregorianSeconds(nowUs - retentionDays * DAY_US);
  for (let removed = 0, kept = 0; ; ) {
    const limit = kept + BATCH_ROWS;
    const rows = await store.recordings.olderThan(before, limit, OVER);
    // The oldest come first: those that were kept.
    for (const row of rows.slice(kept)) {
      if (signal.aborted) return removed;
      if (!(await mayGo(row, store))) kept++;
      else if (await isRemoved(row, remove, onKept)) removed++;
      else kept++;
    }
    if (rows.length < limit) return removed;
  }
};

const isRemoved = async (
  row: RecordingRow,
  remove: SweepOptions['remove'],
  onKept: SweepOptions['onKept'],
): Promise<boolean> => {
  try {
    await remove(row);
    return true;
  } catch (error) {
    if (asAppError(error).code === 'STORE_FAILED') throw error;
    onKept(row, error);
    return false;
  }
};

/** One that has failed stays where its journal may still become an artefact, or its target has not had it. */
const mayGo = async (row: RecordingRow, { deliveries }: ShelfStore): Promise<boolean> => {
  if (row.state !== 'failed') return true;
  if (row.artefactPath === null) return false;
  return row.url === null || (await deliveries.get(row.id))?.state === 'done';
};
