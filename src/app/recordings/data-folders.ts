/**
 * Where the service keeps its files (design §6.4): folders 0700, files 0600, names on disk by id alone.
 *
 *     <data>/journals/<accountId>/<id>.journal            a recording in the making, or one that could not be finalized
 *     <data>/journals/<accountId>/<id>.about.json         whose it is, should its row be lost
 *     <data>/journals/damaged/<accountId>/…               journals that can't be read, with the same names
 *     <data>/recordings/<accountId>/<YYYYMM>/<id>.<ext>   the artefact; beside it its waveform (.peaks.json) and, never sealed, its manifest (.json)
 *     <data>/keys/<accountId>/<id>.key                    what a recording's files are sealed under, itself sealed by the master key
 *     <data>/uploads/…                                    files on their way in
 *     <data>/jobs/<accountId>/<jobId>/…                   uploads that are being replayed
 */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { makeFolder } from '../../spool/make-folder.ts';

export type DataFolders = {
  readonly root: string;
  readonly journals: string;
  readonly damaged: string;
  readonly recordings: string;
  readonly keys: string;
  readonly uploads: string;
  readonly jobs: string;
};

/** @param data the data folder; relative to the working folder, when it is relative */
export const dataFolders = (data: string): DataFolders => {
  const root = resolve(data);
  return {
    root,
    journals: join(root, 'journals'),
    damaged: join(root, 'journals', DAMAGED),
    recordings: join(root, 'recordings'),
    keys: join(root, 'keys'),
    uploads: join(root, 'uploads'),
    jobs: join(root, 'jobs'),
  };
};

/** Below the journals; no account's id. */
export const DAMAGED = 'damaged';

/** @throws the operating system's error */
export const makeDataFolders = async (folders: DataFolders): Promise<void> => {
  const { root: _, ...all } = folders;
  for (const folder of Object.values(all)) await makeFolder(folder);
};

/** Kazoo's `YYYYMM-<32 lower-hex>`. */
export const RECORDING_ID = /^\d{6}-[0-9a-f]{32}$/;
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** An id that becomes part of a path. @throws INTERNAL for one that could lead elsewhere: it should not have come so far. */
export const safeAccount = (accountId: string): string => {
  if (ACCOUNT_ID.test(accountId) && accountId !== DAMAGED) return accountId;
  throw new AppError('INTERNAL', 'an account id that can be no name of a folder');
};

const safeRecording = (id: string): string => {
  if (RECORDING_ID.test(id)) return id;
  throw new AppError('INTERNAL', 'a recording id that can be no name of a file');
};

/** @param journals `DataFolders.journals` */
export const journalFolder = (journals: string, accountId: string): string => join(journals, safeAccount(accountId));

/** Where a recording's journal is. */
export const journalPath = (journals: string, accountId: string, id: string): string =>
  join(journalFolder(journals, accountId), `${safeRecording(id)}.journal`);

/**
 * The same for a recorder that begins this instant: makes the account's folder. Where that can't be done, the journal's own opening
 * will fail and say so.
 */
export const newJournalPath = (journals: string, accountId: string, id: string): string => {
  const path = journalPath(journals, accountId, id);
  try {
    mkdirSync(dirname(path), { mode: 0o700 });
  } catch {}
  return path;
};

/** The folder of an artefact: its id's month, which is that of the recording's start (UTC). */
export const artefactFolder = (recordings: string, accountId: string, id: string): string =>
  join(recordings, safeAccount(accountId), safeRecording(id).slice(0, 6));
