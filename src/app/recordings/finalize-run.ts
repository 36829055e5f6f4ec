/**
 * One closed journal on its way to its artefact, and what is noted of it: stored, delivering, discarded, or failed: for want of an artefact, or of a part of it. The journal goes
 * when the artefact is there and the row says so, no sooner; where it can't be finalized it stays, or is set aside when it can't be read.
 */
import { AppError } from '../../core/errors.ts';
import type { EncoderChoice } from '../../finalize/encoder-choice.ts';
import { removeParts } from '../../finalize/part-files.ts';
import type { FinalizePool } from '../../finalize/pool.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import type { RecordingPatch, RecordingRow } from '../../store/rows.ts';
import { artefactFolder, type DataFolders } from './data-folders.ts';
import { findFinished } from './finished-artefact.ts';
import { type FoundJournal, headOf, type Journals } from './journals.ts';
import { discardedPatch, inState, lastingError, storedPatch } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

export type FinalizeRunOptions = {
  readonly store: Pick<ShelfStore, 'recordings'>;
  readonly journals: Journals;
  readonly folders: DataFolders;
  readonly pool: Pick<FinalizePool, 'run'>;
  readonly encoder: EncoderChoice;
  readonly turns: WriteTurns;
  readonly teller: Teller;
  /** The artefact is there, and has a target. */
  readonly onDeliverable: (row: RecordingRow) => Promise<void>;
};

/** @throws what the finalizer or the store says */
export const finalizeJournal = async (
  journal: FoundJournal,
  row: RecordingRow,
  options: FinalizeRunOptions,
  onProgress: (share: number) => void,
): Promise<void> => {
  const { pool, folders, encoder, journals, teller, turns, onDeliverable } = options;
  const { accountId, id } = journal;
  const directory = artefactFolder(folders.recordings, accountId, id);
  const incomplete = lastingError(row);
  const finished = await findFinished(directory, id, row.format);
  if (finished === undefined) await makeFolder(directory).catch(unwritable(directory));
  else await removeParts(directory, id);
  const result =
    finished === undefined
      ? await pool.run(
          {
            ...{ journalPath: journal.path, directory, encoder },
            mediaName: row.mediaName,
            fileName: `${id}.${row.format}`,
            // How long all of it would have been, nobody knows.
            keepShort: incomplete !== null,
          },
          onProgress,
        )
      : ({ state: 'stored', ...finished } as const);
  const patch: RecordingPatch =
    result.state === 'discarded' ? discardedPatch(result.durationMs) : storedPatch(row, result);
  await turns.patiently(() => options.store.recordings.update(id, patch));
  const now: RecordingRow = { ...row, ...patch };
  if (now.state === 'delivering') await turns.patiently(() => onDeliverable(now));
  await journals.remove(accountId, id);
  const kept = incomplete === null ? 'recording.stored' : 'recording.incomplete';
  teller.tell(now, result.state === 'discarded' ? 'recording.discarded' : kept, {
    duration_ms: now.durationMs,
    bytes: now.bytes,
    ...(incomplete === null ? {} : { error: incomplete }),
  });
};

/** Notes why it could not be. @throws what the store refuses for good */
export const noteFailure = async (
  journal: FoundJournal,
  row: RecordingRow,
  failure: AppError,
  options: FinalizeRunOptions,
): Promise<void> => {
  const { journals, teller, folders, turns, store } = options;
  const { accountId, id, path } = journal;
  await removeParts(artefactFolder(folders.recordings, accountId, id), id);
  const isUnreadable = failure.code === 'JOURNAL_UNREADABLE';
  const isDamaged = isUnreadable && !isReadable(path);
  // Gone altogether, when even its file could not be made.
  const aside = isDamaged ? await journals.setAside(accountId, id).catch(() => undefined) : path;
  const error = teller.told(failure);
  // That it could not be written outlasts why it can't be finalized now.
  const patch = { ...inState('failed', lastingError(row) ?? error), journalPath: aside ?? null };
  await turns.patiently(() => store.recordings.update(id, patch));
  teller.tell({ ...row, state: 'failed' }, 'finalize.failed', { error, set_aside: isDamaged && aside !== undefined });
};

const isReadable = (path: string): boolean => {
  try {
    return headOf(path) !== undefined;
  } catch {
    return false;
  }
};

const unwritable = (directory: string) => (cause: unknown) => {
  throw new AppError('OUTPUT_UNWRITABLE', `the folder ${directory} can't be made`, { cause });
};
