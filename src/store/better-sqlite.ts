/** The adapter to better-sqlite3 12, whose interface is nearly the one that is asked for. */
import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts';

/** What the package exports, as far as it is used. */
export type BetterSqlite = new (
  path: string,
) => {
  /** Its statements take an array as their parameters. */
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  close(): unknown;
};

export const openBetterSqlite = (Database: BetterSqlite, path: string): SqliteDatabase => {
  const database = new Database(path);
  return {
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => void database.exec(sql),
    close: () => void database.close(),
  };
};
