/**
 * What an earlier run has left, taken up again (design §4 rule 5, §6.6). A crash can leave a journal whose row says anything or is lost,
 * an artefact that nobody noted, a row whose journal is gone; each ends as if nothing had happened. Every step may be done twice.
 *
 *     journal, row `recording` `finalizing` `failed` or none ─▶ finalize        journal, row further on ─▶ the journal goes
 *     no journal, row `recording` `finalizing` ─▶ its artefact, or failed       row `delivering` ─▶ delivery goes on
 */
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AppError, asAppError, CATALOGUE, type ErrorCode } from '../../core/errors.ts';
import { removeParts } from '../../finalize/part-files.ts';
import type { Vault } from '../../spool/seal/vault.ts';
import type { RecordingRow } from '../../store/rows.ts';
import { artefactFolder, type DataFolders } from './data-folders.ts';
import type { Deliveries } from './deliveries.ts';
import type { Finalizing } from './finalizing.ts';
import { findFinished } from './finished-artefact.ts';
import type { JournalRows } from './journal-rows.ts';
import { type FoundJournal, foldersIn, type Journals } from './journals.ts';
import { inState, lastingError, storedPatch } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';
import { removeStrayKeys } from './stray-keys.ts';
import type { Teller } from './teller.ts';

export type RecoveryOptions = {
  readonly store: ShelfStore;
  readonly folders: DataFolders;
  readonly journals: Journals;
  readonly rows: JournalRows;
  readonly finalizing: Finalizing;
  readonly deliveries: Deliveries;
  readonly teller: Teller;
  /** Being recorded now. */
  readonly isLive: (id: string) => boolean;
  readonly vault?: Pick<Vault, 'find' | 'destroy'>;
  /** When the shelf was opened, ms since the Unix epoch: what is older an earlier run has left. */
  readonly beganMs: number;
};

/**
 * Resolves when everything is in line again, not when it is done. One recording that can't be taken up holds up no other.
 * @throws STORE_FAILED; the operating system's error when a folder can't be read
 */
export const recover = async (options: RecoveryOptions): Promise<void> => {
  const { journals, folders, deliveries, finalizing, isLive } = options;
  const tolerantly = async (id: string, work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => {
      if (asAppError(error).code === 'STORE_FAILED') throw error;
      options.teller.defect(`recording ${id} could not be taken up`, error);
    });
  };
  const isBusy = (id: string): boolean => isLive(id) || finalizing.has(id);
  const withJournal = new Set<string>();
  for await (const journal of journals.find()) {
    if (!isBusy(journal.id))
      await tolerantly(journal.id, (await isEmpty(journal)) ? clearAway(journal, options) : takeUp(journal, options));
    withJournal.add(journal.id);
    await setImmediate();
  }
  await journals.removeStrayNotes();
  for (const row of await options.store.recordings.unfinished()) {
    if (isBusy(row.id)) continue;
    if (row.state === 'delivering') await tolerantly(row.id, goOnDelivering(row, options));
    else if (!withJournal.has(row.id)) await tolerantly(row.id, withoutJournal(row, options));
  }
  await removeStrayParts(folders, isBusy);
  await removeStrayKeys({ ...options, isBusy });
  await deliveries.resume();
};

/**
 * A closed journal goes to the finalizer, unless its recording is further on. One that is gone is no matter.
 * @returns whether it has to be waited for
 */
export const takeUp = async (
  journal: FoundJournal,
  options: Pick<RecoveryOptions, 'store' | 'rows' | 'journals' | 'finalizing' | 'teller'>,
): Promise<boolean> => {
  const { rows, journals, store, finalizing, teller } = options;
  if (finalizing.has(journal.id)) return true;
  if (!(await isThere(journal.path))) return false;
  let row: RecordingRow;
  try {
    row = await rows.of(journal);
  } catch (error) {
    const { code } = asAppError(error);
    if (code !== 'JOURNAL_UNREADABLE') throw error;
    // Neither row nor head: nobody knows what it was.
    const aside = await journals.setAside(journal.accountId, journal.id);
    teller.warn('a journal that can not be read was set aside', { path: aside });
    return false;
  }
  const isOver = row.state === 'discarded' || (row.artefactPath !== null && (await isThere(row.artefactPath)));
  if (isOver) {
    await journals.remove(journal.accountId, journal.id);
    return false;
  }
  // Whatever stood in its way before is tried anew.
  await store.recordings.update(row.id, { ...inState('finalizing', lastingError(row)), journalPath: journal.path });
  finalizing.add(journal);
  return true;
};

const isEmpty = async ({ path }: FoundJournal): Promise<boolean> =>
  stat(path).then(
    ({ size }) => size === 0,
    () => false,
  );

/** One that was killed before its first byte: nothing is damaged, and nothing is there. */
const clearAway = async ({ accountId, id }: FoundJournal, options: RecoveryOptions): Promise<void> => {
  const row = await options.store.recordings.get(accountId, id);
  if (row?.state === 'recording' || row?.state === 'finalizing')
    await withoutJournal(row, options, 'the service ended before anything of it was on disk');
  await options.journals.remove(accountId, id);
};

const withoutJournal = async (
  row: RecordingRow,
  options: RecoveryOptions,
  why = 'the journal is gone, and there is no artefact',
): Promise<void> => {
  const { store, folders, journals, teller } = options;
  const directory = artefactFolder(folders.recordings, row.accountId, row.id);
  const finished = await findFinished(directory, row.id, row.format, await journals.keyOf(row));
  if (finished === undefined) {
    const error = teller.told(new AppError('JOURNAL_UNREADABLE', why));
    await store.recordings.update(row.id, { ...inState('failed', error), journalPath: null });
    teller.tell({ ...row, state: 'failed' }, 'finalize.failed', { error });
    return;
  }
  const patch = storedPatch(row, finished);
  await store.recordings.update(row.id, patch);
  if (patch.state === 'delivering') await options.deliveries.begin({ ...row, ...patch });
};

/** The row was written and its delivery's not, or both: the latter `resume` finds. */
const goOnDelivering = async (row: RecordingRow, { store, deliveries }: RecoveryOptions): Promise<void> => {
  const delivery = await store.deliveries.get(row.id);
  if (delivery?.state !== 'waiting') await deliveries.begin(row);
};

/** Tries those again that could not be finalized for a reason that may have passed. */
export const retryFailed = async (options: RecoveryOptions): Promise<void> => {
  const { journals, store, isLive, finalizing } = options;
  for await (const journal of journals.find()) {
    await setImmediate();
    if (isLive(journal.id) || finalizing.has(journal.id)) continue;
    const row = await store.recordings.get(journal.accountId, journal.id);
    if (row?.state === 'failed' && mayPass(row.error?.code)) await takeUp(journal, options);
  }
};

const mayPass = (code: string | undefined): boolean =>
  code !== undefined && Object.hasOwn(CATALOGUE, code) && CATALOGUE[code as ErrorCode].retryable;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What finalizers have left that nobody has a journal for any more. */
const removeStrayParts = async (folders: DataFolders, isBusy: (id: string) => boolean): Promise<void> => {
  for (const accountId of await foldersIn(folders.recordings)) {
    for (const month of await foldersIn(join(folders.recordings, accountId))) {
      const directory = join(folders.recordings, accountId, month);
      const names = (await readdir(directory)).filter((name) => name.startsWith('.'));
      const ids = new Set(names.map((name) => name.slice(1).split('.', 1)[0]!));
      for (const id of ids) if (!isBusy(id)) await removeParts(directory, id);
    }
  }
};
