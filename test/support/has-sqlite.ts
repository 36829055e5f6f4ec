/** Whether this Node.js can open a database: its own SQLite, or better-sqlite3 where it was compiled. Tests of the service need one. */
import { createRequire } from 'node:module';

const opens = (): boolean => {
  if (process.getBuiltinModule?.('node:sqlite') !== undefined) return true;
  try {
    const Database = createRequire(import.meta.url)('better-sqlite3');
    new Database(':memory:').close();
    return true;
  } catch {
    return false;
  }
};

export const HAS_SQLITE = opens();
