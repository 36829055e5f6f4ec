/**
 * The database on a thread of its own, because a commit waits for the disk and the thread that takes in media must not (design §7). Runs
 * as a worker: opens what it is told, then answers statements one after another.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { asAppError } from '../core/errors.ts';
import { migrate } from './migrations.ts';
import { findSqlite } from './sqlite-binding.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { openSqliteFile } from './sqlite-file.ts';
import { claimStore } from './store-claim.ts';
import type { FromStore, StoreResult, StoreThreadData, ToStore } from './store-messages.ts';

const answer = (message: FromStore): void => parentPort?.postMessage(message);

const told = (error: unknown): { code: string; message: string } => {
  const { code, message } = asAppError(error);
  return { code, message };
};

const run = (database: SqliteDatabase, sql: string, parameters: readonly unknown[]): StoreResult => {
  const statement = database.prepare(sql);
  if (statement.reader) return { rows: statement.all(parameters) };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], changes: BigInt(changes), insertId: BigInt(lastInsertRowid) };
};

const { path, nowUs } = workerData as StoreThreadData;
try {
  const binding = await findSqlite();
  const database = await openSqliteFile(path, binding, (opened, what) => migrate(opened, nowUs, what));
  const claim = claimStore(path, binding);
  parentPort?.on('message', ({ id, sql, parameters }: ToStore) => {
    try {
      if (sql === undefined) {
        database.close();
        claim.close();
        answer({ id, result: { rows: [] } });
        parentPort?.close();
      } else answer({ id, result: run(database, sql, parameters) });
    } catch (error) {
      answer({ id, error: told(error) });
    }
  });
  answer({ id: 0, result: { rows: [] } });
} catch (error) {
  answer({ id: 0, error: told(error) });
}
