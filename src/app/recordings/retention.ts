/** What is old enough goes: audio, manifest and row of recordings that were delivered or had no target (design §6.5). Never one that is on its way. */
import { gregorianSeconds } from '../../core/ids.ts';
import type { RecordingRow, RecordingState } from '../../store/rows.ts';
import type { ShelfStore } from './shelf-store.ts';

const DAY_US = 86_400e6;
const BATCH_ROWS = 200;

/** `failed` is not among them: it is undelivered, or its journal is still there. */
const MAY_GO: readonly RecordingState[] = ['delivered', 'stored', 'discarded'];

export type SweepOptions = {
  readonly store: Pick<ShelfStore, 'recordings'>;
  readonly nowUs: number;
  /** 0: for ever. */
  readonly retentionDays: number;
  readonly remove: (row: RecordingRow) => Promise<void>;
  readonly signal: AbortSignal;
};

/** @returns how many were removed. @throws STORE_FAILED; what `remove` throws */
export const sweep = async ({ store, nowUs, retentionDays, remove, signal }: SweepOptions): Promise<number> => {
  if (retentionDays === 0) return 0;
  const before = gregorianSeconds(nowUs - retentionDays * DAY_US);
  for (let removed = 0; ; ) {
    const rows = await store.recordings.olderThan(before, BATCH_ROWS, MAY_GO);
    for (const row of rows) {
      if (signal.aborted) return removed;
      await remove(row);
      removed++;
    }
    if (rows.length < BATCH_ROWS) return removed;
  }
};
