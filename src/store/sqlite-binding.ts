/**
 * Finds an SQLite for this Node.js: its own `node:sqlite` (22.13 and later), else better-sqlite3, an optional package that must have been
 * compiled for it. Never installs anything.
 */
import { AppError } from '../core/errors.ts';
import { type BetterSqlite, openBetterSqlite } from './better-sqlite.ts';
import { type NodeSqlite, openNodeSqlite } from './node-sqlite.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

export type SqliteBinding = {
  readonly name: 'node:sqlite' | 'better-sqlite3';
  /** Opens a file, made when it is missing. Throws the library's own errors, as does all that it returns. */
  open(path: string): SqliteDatabase;
};

/** Where modules come from; an argument, so that a machine without either can be tried. */
export type ModuleSource = {
  /** A module of Node itself, undefined where it has none of that name. */
  builtin(name: string): unknown;
  /** Rejects when the package is not there. */
  load(name: string): Promise<unknown>;
};

const OURS: ModuleSource = {
  builtin: (name) => quietly(() => process.getBuiltinModule(name)),
  // Through a variable, because the package has no types and need not be there.
  load: (name) => import(name),
};

/** @throws STORE_MISSING with what to do about it */
export const findSqlite = async (modules: ModuleSource = OURS): Promise<SqliteBinding> => {
  const node = modules.builtin('node:sqlite') as NodeSqlite | undefined;
  if (node?.DatabaseSync !== undefined) return { name: 'node:sqlite', open: (path) => openNodeSqlite(node, path) };
  const better = await loadBetterSqlite(modules);
  return { name: 'better-sqlite3', open: (path) => openBetterSqlite(better, path) };
};

const loadBetterSqlite = async (modules: ModuleSource): Promise<BetterSqlite> => {
  let better: BetterSqlite;
  try {
    better = ((await modules.load('better-sqlite3')) as { default: BetterSqlite }).default;
  } catch (cause) {
    throw missing('better-sqlite3 is not installed', 'npm install better-sqlite3', cause);
  }
  try {
    // The compiled part is loaded with the first database, not with the package; npm 12 does not compile it unasked.
    openBetterSqlite(better, ':memory:').close();
  } catch (cause) {
    throw missing('better-sqlite3 is not compiled for it', 'npm rebuild better-sqlite3', cause);
  }
  return better;
};

const missing = (what: string, command: string, cause: unknown): AppError =>
  new AppError(
    'STORE_MISSING',
    `no SQLite: Node.js ${process.versions.node} has none and ${what}; take Node.js 22.13 or later, or run \`${command}\``,
    { cause },
  );

/** Without the warning that the module is experimental: whoever runs the service can do nothing about it. */
const quietly = <T>(load: () => T): T => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
};
