/** What the store needs of an SQLite library: the common part of better-sqlite3, which kysely was written for, and `node:sqlite`. */

export type SqliteStatement = {
  /** Whether it gives rows. */
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
};

export type SqliteDatabase = {
  prepare(sql: string): SqliteStatement;
  /** Runs statements that give no rows, separated by semicolons. */
  exec(sql: string): void;
  /** Does nothing the second time. */
  close(): void;
};
