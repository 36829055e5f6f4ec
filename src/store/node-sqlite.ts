/** The adapter to Node's own `node:sqlite` (22.13 and later): parameters are spread, a second `close` is none. */
import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts';

type Statement = {
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
  /** Since 22.16. */
  columns?(): readonly unknown[];
};

/** What the module exports, as far as it is used. */
export type NodeSqlite = {
  readonly DatabaseSync: new (
    path: string,
  ) => { prepare(sql: string): Statement; exec(sql: string): void; close(): void };
};

export const openNodeSqlite = ({ DatabaseSync }: NodeSqlite, path: string): SqliteDatabase => {
  const database = new DatabaseSync(path);
  let closed = false;
  return {
    prepare: (sql) => statementOf(database.prepare(sql), sql),
    exec: (sql) => database.exec(sql),
    close: () => {
      if (!closed) database.close();
      closed = true;
    },
  };
};

/** Only for SQL of our own, which has no text in it that could be taken for a keyword. */
const GIVES_ROWS = /^\s*(?:select|with|pragma)\b|\breturning\b/i;

const statementOf = (statement: Statement, sql: string): SqliteStatement => ({
  reader: statement.columns === undefined ? GIVES_ROWS.test(sql) : statement.columns().length > 0,
  all: (parameters) => statement.all(...parameters),
  run: (parameters) => statement.run(...parameters),
  iterate: (parameters) => statement.iterate(...parameters),
});
