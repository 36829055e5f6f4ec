/**
 * What an SQLite library throws, as our errors: both libraries name the same result codes (sqlite.org/rescode.html) in different ways.
 * Never quotes a statement's parameters.
 */
import { AppError } from '../core/errors.ts';
import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts';

/** By SQLite's primary result code. */
const FAULTS: ReadonlyMap<number, readonly [name: string, said: string]> = new Map([
  [3, ['SQLITE_PERM', 'may not be read or written']],
  [5, ['SQLITE_BUSY', 'is locked by another program']],
  [6, ['SQLITE_LOCKED', 'is locked']],
  [8, ['SQLITE_READONLY', 'or its folder may not be written to']],
  [10, ['SQLITE_IOERR', 'could not be read or written: the disk reports an error']],
  [11, ['SQLITE_CORRUPT', 'is damaged: put a copy back, or move it away to start with an empty one']],
  [13, ['SQLITE_FULL', 'could not grow: the disk is full']],
  [14, ['SQLITE_CANTOPEN', 'or a file beside it could not be opened: the folder must be there and writable']],
  [26, ['SQLITE_NOTADB', 'is no database: put a copy back, or move it away to start with an empty one']],
]);

const CONSTRAINT = 19;
const CONSTRAINT_NAME = 'SQLITE_CONSTRAINT';

/** @param what the database as the message names it: with its path where whoever runs the service reads it. */
export const storeFault = (error: unknown, what = 'the database'): AppError => {
  if (error instanceof AppError) return error;
  const code = primaryCode(error);
  if (code === CONSTRAINT) {
    return new AppError('CONFLICT', 'what this belongs to is gone, or another like it is there', { cause: error });
  }
  const said = FAULTS.get(code)?.[1] ?? `failed: ${error instanceof Error ? error.message : String(error)}`;
  return new AppError('STORE_FAILED', `${what} ${said}`, { cause: error });
};

/** better-sqlite3 tells a name, extended perhaps (`SQLITE_IOERR_WRITE`); `node:sqlite` an extended number. 0: neither did. */
const primaryCode = (error: unknown): number => {
  if (typeof error !== 'object' || error === null) return 0;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  if (!('code' in error) || typeof error.code !== 'string') return 0;
  const name = error.code;
  if (name.startsWith(CONSTRAINT_NAME)) return CONSTRAINT;
  const known = [...FAULTS].find(([, [prefix]]) => name === prefix || name.startsWith(`${prefix}_`));
  return known?.[0] ?? 0;
};

/** The same database, throwing our errors only. @param what as for `storeFault` */
export const guarded = (database: SqliteDatabase, what?: string): SqliteDatabase => {
  const guard = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw storeFault(error, what);
    }
  };
  const guardStatement = (statement: SqliteStatement): SqliteStatement => ({
    reader: statement.reader,
    all: (parameters) => guard(() => statement.all(parameters)),
    run: (parameters) => guard(() => statement.run(parameters)),
    iterate: (parameters) => guard(() => statement.iterate(parameters)),
  });
  return {
    prepare: (sql) => guardStatement(guard(() => database.prepare(sql))),
    exec: (sql) => guard(() => database.exec(sql)),
    close: () => guard(() => database.close()),
  };
};
