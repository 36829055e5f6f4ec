/**
 * A replay's own hidden folder below its output: its journals, nobody else's to touch while it runs. What a killed replay has left of
 * it, and of its unfinished recordings, the next one removes; what may belong to a running one stays.
 *
 *     DIR/.journals-<mark of the process>-<random>/<recording id>.journal
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemCode } from '../core/errors.ts';
import { removeParts } from '../finalize/part-files.ts';
import { makeFolder } from '../spool/make-folder.ts';
import { isGone, ownMark } from './process-mark.ts';

const PREFIX = '.journals-';
const FOLDER = /^\.journals-([0-9a-f-]+)-[A-Za-z0-9]{6}$/;
const JOURNAL = /^(\d{6}-[0-9a-f]{32})\.journal$/;

/** Makes both folders where they are missing; nobody else may read them. @returns the hidden one. @throws AppError OUTPUT_UNWRITABLE */
export const makeRunFolder = async (directory: string): Promise<string> => {
  try {
    await makeFolder(directory);
    return await mkdtemp(join(directory, `${PREFIX}${ownMark()}-`));
  } catch (cause) {
    throw new AppError(
      'OUTPUT_UNWRITABLE',
      `can't write to the folder ${directory} (${systemCode(cause) ?? 'unknown'}); choose another with --out`,
      { cause },
    );
  }
};

/**
 * Removes what killed replays have left. Never rejects: what can't be removed stays. Safe beside running replays, also those that sweep.
 * @returns a line on what was removed, when anything was.
 */
export const sweepRunFolders = async (
  directory: string,
  isLeft: (mark: string) => boolean = isGone,
): Promise<string | undefined> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  let journals = 0;
  let parts = 0;
  for (const entry of entries) {
    const mark = FOLDER.exec(entry.name)?.[1];
    if (mark === undefined || !entry.isDirectory() || !isLeft(mark)) continue;
    const folder = join(directory, entry.name);
    const ids = (await readdir(folder).catch(() => [])).flatMap((name) => JOURNAL.exec(name)?.[1] ?? []);
    // The parts first: without the journals nobody would know whose they are.
    for (const id of ids) parts += await removeParts(directory, id);
    const isRemoved = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (isRemoved) journals += ids.length;
  }
  if (journals + parts === 0) return undefined;
  return `removed what a killed replay had left in ${directory}: ${counted(journals, 'journal')}, ${counted(parts, 'part')}`;
};

const counted = (count: number, what: string): string =>
  count === 1 ? `1 ${what} of a recording` : `${count} ${what}s of recordings`;
