/**
 * What the shelf uses of the store. Paths are kept relative to the data folder, so that it can be moved, and whole everywhere else:
 * this is where they are turned into each other.
 */
import { relative, resolve } from 'node:path';
import type { DeliveryTable } from '../../store/delivery-table.ts';
import type { RecordingTable } from '../../store/recording-table.ts';
import type { RecordingPatch, RecordingRow } from '../../store/rows.ts';

export type RecordingRows = Pick<
  RecordingTable,
  'insert' | 'update' | 'get' | 'page' | 'unfinished' | 'olderThan' | 'remove'
>;

export type ShelfStore = {
  readonly recordings: RecordingRows;
  readonly deliveries: Pick<DeliveryTable, 'put' | 'get' | 'due' | 'remove'>;
};

type Paths = Pick<RecordingPatch, 'artefactPath' | 'manifestPath' | 'journalPath'>;

/** @param root the data folder. */
export const locatedStore = ({ recordings, deliveries }: ShelfStore, root: string): ShelfStore => {
  const kept = <T extends Paths>(row: T): T => changed(row, (path) => relative(root, path));
  const whole = <T extends Paths>(row: T): T => changed(row, (path) => resolve(root, path));
  const all = (rows: readonly RecordingRow[]): RecordingRow[] => rows.map((row) => whole(row));
  return {
    deliveries,
    recordings: {
      insert: (row) => recordings.insert(kept(row)),
      update: (id, patch) => recordings.update(id, kept(patch)),
      get: async (accountId, id) => {
        const row = await recordings.get(accountId, id);
        return row && whole(row);
      },
      page: async (query) => {
        const page = await recordings.page(query);
        return { ...page, recordings: all(page.recordings) };
      },
      unfinished: async () => all(await recordings.unfinished()),
      olderThan: async (createdGregorian, limit, states) =>
        all(await recordings.olderThan(createdGregorian, limit, states)),
      remove: (accountId, id) => recordings.remove(accountId, id),
    },
  };
};

const changed = <T extends Paths>(row: T, change: (path: string) => string): T => {
  const { artefactPath, manifestPath, journalPath } = row;
  return {
    ...row,
    ...(typeof artefactPath === 'string' ? { artefactPath: change(artefactPath) } : {}),
    ...(typeof manifestPath === 'string' ? { manifestPath: change(manifestPath) } : {}),
    ...(typeof journalPath === 'string' ? { journalPath: change(journalPath) } : {}),
  };
};
