/**
 * One closed journal on its way to its artefact, and what is noted of it: stored, delivering, discarded, or failed: for want of an artefact, or of a part of it. The journal goes
 * when the artefact is there and the row says so, no sooner; where it can't be finalized it stays, or is set aside when it can't be read.
 */
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { AppError, asAppError } from '../../core/errors.ts';
import type { EncoderChoice } from '../../finalize/encoder-choice.ts';
import type { AuditMark } from '../../finalize/manifest.ts';
import { removeParts } from '../../finalize/part-files.ts';
import type { FinalizePool } from '../../finalize/pool.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import type { RecordingPatch, RecordingRow } from '../../store/rows.ts';
import { artefactFolder, type DataFolders } from './data-folders.ts';
import { findFinished } from './finished-artefact.ts';
import type { FoundJournal, Journals } from './journals.ts';
import { discardedPatch, inState, lastingError, storedPatch } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

export type FinalizeRunOptions = {
  readonly store: Pick<ShelfStore, 'recordings'>;
  readonly journals: Journals;
  readonly folders: DataFolders;
  readonly pool: Pick<FinalizePool, 'run' | 'unfollow'>;
  readonly encoder: EncoderChoice;
  readonly signingKey?: KeyObject;
  readonly auditMark?: (accountId: string) => Promise<AuditMark | null>;
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
  const { signingKey, auditMark } = options;
  const { accountId, id } = journal;
  const directory = artefactFolder(folders.recordings, accountId, id);
  const incomplete = lastingError(row);
  const key = await journals.readingKeyOf(journal);
  const found = await findFinished(directory, id, row.format, key);
  // Made before there was a key to sign with: made again, where it can be.
  const isToSign = signingKey !== undefined && found?.manifest.signature === null && existsSync(journal.path);
  const finished = isToSign ? undefined : found;
  if (finished === undefined) await makeFolder(directory).catch(unwritable(directory));
  else {
    await pool.unfollow(journal.path);
    await removeParts(directory, id);
  }
  const result =
    finished === undefined
      ? await pool.run(
          {
            ...{ journalPath: journal.path, directory, encoder },
            ...(key === undefined ? {} : { journalKey: key, artefactKey: key }),
            ...(signingKey === undefined ? {} : { signingKey }),
            ...(auditMark === undefined ? {} : { audit: await turns.patiently(() => auditMark(accountId)) }),
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
  if (result.state === 'discarded')
    await journals.destroyKey(journal).catch((error: unknown) => teller.defect('a key could not be destroyed', error));
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
  const { journals, teller, folders, turns, store, pool } = options;
  const { accountId, id, path } = journal;
  await pool.unfollow(path);
  await removeParts(artefactFolder(folders.recordings, accountId, id), id);
  const isUnreadable = failure.code === 'JOURNAL_UNREADABLE';
  const isDamaged = isUnreadable && !(await isReadable(journal, journals));
  // Gone altogether, when even its file could not be made.
  const aside = isDamaged ? await journals.setAside(accountId, id).catch(() => undefined) : path;
  const error = teller.told(failure);
  // That it could not be written outlasts why it can't be finalized now.
  const patch = { ...inState('failed', lastingError(row) ?? error), journalPath: aside ?? null };
  await turns.patiently(() => store.recordings.update(id, patch));
  teller.tell({ ...row, state: 'failed' }, 'finalize.failed', { error, set_aside: isDamaged && aside !== undefined });
};

/** One whose key can't be had just now may well be. */
const isReadable = async (journal: FoundJournal, journals: Journals): Promise<boolean> => {
  try {
    return (await journals.headOf(journal)) !== undefined;
  } catch (error) {
    return asAppError(error).code !== 'JOURNAL_UNREADABLE';
  }
};

const unwritable = (directory: string) => (cause: unknown) => {
  throw new AppError('OUTPUT_UNWRITABLE', `the folder ${directory} can't be made`, { cause });
};
