/**
 * Opens the database's file so that a commit survives a power cut and nobody else may read it (design §6.4): WAL, synchronous FULL, foreign
 * keys, mode 0600. Makes the file, never its folder.
 */
import { chmod, open, stat } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import type { SqliteBinding } from './sqlite-binding.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { guarded, storeFault } from './store-fault.ts';

/** Another process' commit takes milliseconds; waiting holds up everything else on this thread. */
const BUSY_TIMEOUT_MS = 2000;

const PRAGMAS = [
  // First, because the others may have to wait already.
  `pragma busy_timeout = ${BUSY_TIMEOUT_MS}`,
  'pragma journal_mode = wal',
  'pragma synchronous = full',
  'pragma foreign_keys = on',
];

/** Makes a database that has no file, for tests. */
export const IN_MEMORY = ':memory:';

/**
 * @param prepare brings the tables up to date; what it throws is thrown, with the file closed.
 * @throws STORE_FAILED naming the file and what is wrong with it. What the database throws later does not name the file: it may be read by
 *   an account.
 */
export const openSqliteFile = async (
  path: string,
  binding: SqliteBinding,
  prepare: (database: SqliteDatabase, what: string) => void,
): Promise<SqliteDatabase> => {
  if (path !== IN_MEMORY) await makePrivate(path);
  const what = `the database ${path}`;
  const raw = openWith(binding, path, what);
  try {
    const database = guarded(raw, what);
    // Some of these answer with a row, which `exec` passes over.
    for (const pragma of PRAGMAS) database.exec(pragma);
    prepare(database, what);
    return guarded(raw);
  } catch (error) {
    raw.close();
    throw error;
  }
};

const openWith = (binding: SqliteBinding, path: string, what: string): SqliteDatabase => {
  try {
    return binding.open(path);
  } catch (error) {
    throw storeFault(error, what);
  }
};

/** SQLite gives the files beside it the mode of the database's own; ones that a crash left are made private too. */
const makePrivate = async (path: string): Promise<void> => {
  try {
    await (await open(path, 'a', 0o600)).close();
    for (const name of [path, `${path}-wal`, `${path}-shm`]) await closeToOthers(name);
  } catch (error) {
    const code = systemCode(error) ?? String(error);
    throw new AppError(
      'STORE_FAILED',
      `the database ${path} could not be opened (${code}): its folder must be there, and both be writable`,
      { cause: error },
    );
  }
};

const closeToOthers = async (path: string): Promise<void> => {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) await chmod(path, 0o600);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
};
