/**
 * One service at a time has a data folder: two would finalize each other's journals. The claim is an SQLite lock on a file of its own, held
 * while the process lives, so that nothing is left to be cleared away after a crash, in whatever container or machine.
 */
import { closeSync, openSync } from 'node:fs';
import { AppError } from '../core/errors.ts';
import type { SqliteBinding } from './sqlite-binding.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { storeFault } from './store-fault.ts';

/** @returns what holds the claim until it is closed. @throws STORE_FAILED when another process has it */
export const claimStore = (path: string, binding: SqliteBinding): SqliteDatabase => {
  // Made here, because SQLite would let others read it.
  closeSync(openSync(`${path}.lock`, 'a', 0o600));
  const lock = binding.open(`${path}.lock`);
  try {
    lock.exec('pragma busy_timeout = 0');
    lock.exec('begin exclusive');
    return lock;
  } catch (error) {
    lock.close();
    const fault = storeFault(error, `the lock ${path}.lock`);
    if (!/is locked/.test(fault.message)) throw fault;
    throw new AppError(
      'STORE_FAILED',
      `another service is using ${path}: stop it, or set RECORD_CALL_DATA_DIR to another folder`,
      { cause: error },
    );
  }
};
