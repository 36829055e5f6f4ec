/**
 * The database's tables, as numbered steps from an empty file to what this version needs. A step is never changed once it was released:
 * another is added. The only SQL besides the opener's that knows it speaks to SQLite.
 */
import { AppError } from '../core/errors.ts';
import { chainAudit } from './audit-migration.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** The table of steps taken; a database without it, yet with tables, is another program's. */
const LEDGER = 'record_call_migrations';

/** SQL, or what SQL alone can't do; within a transaction. */
export type Migration = string | ((database: SqliteDatabase, nowUs: number) => void);

/** Migration n is at index n - 1. */
export const MIGRATIONS: readonly Migration[] = [
  `create table accounts (
     id text primary key,
     name text not null,
     metaflows text,
     call_recording text,
     extra text not null,
     created_us integer not null
   ) strict;

   create table people (
     account_id text not null references accounts (id) on delete cascade,
     kind text not null,
     id text not null,
     name text not null,
     owner_id text,
     metaflows text,
     call_recording text,
     extra text not null,
     created_us integer not null,
     primary key (account_id, kind, id)
   ) strict;
   create index people_by_owner on people (account_id, owner_id);

   create table api_keys (
     id text primary key,
     account_id text not null references accounts (id) on delete cascade,
     hash text not null unique,
     is_admin integer not null,
     created_us integer not null
   ) strict;
   create index api_keys_by_account on api_keys (account_id);

   create table tokens (
     hash text primary key,
     key_id text not null references api_keys (id) on delete cascade,
     account_id text not null references accounts (id) on delete cascade,
     is_admin integer not null,
     expires_us integer not null
   ) strict;
   create index tokens_by_expiry on tokens (expires_us);
   create index tokens_by_key on tokens (key_id);
   create index tokens_by_account on tokens (account_id);

   -- Recordings outlive their account: files on disk must not be forgotten because it was removed.
   create table recordings (
     id text primary key,
     account_id text not null,
     call_id text not null,
     owner_id text,
     state text not null,
     start_us integer not null,
     created_gregorian integer not null,
     media_name text not null,
     format text not null,
     duration_ms integer not null,
     sample_rate integer,
     channels integer not null,
     artefact_path text,
     manifest_path text,
     bytes integer,
     sha256 text,
     journal_path text,
     origin text not null,
     url text,
     method text not null,
     document text not null,
     masks text not null,
     error text
   ) strict;
   create index recordings_by_time on recordings (account_id, created_gregorian, id);
   create index recordings_by_owner on recordings (account_id, owner_id, created_gregorian, id);
   create index recordings_by_call on recordings (account_id, call_id, created_gregorian, id);
   create index recordings_by_age on recordings (created_gregorian);
   create index recordings_by_state on recordings (state);

   create table deliveries (
     recording_id text primary key references recordings (id) on delete cascade,
     account_id text not null,
     state text not null,
     tries integer not null,
     next_us integer not null,
     deadline_us integer not null,
     last_status integer,
     last_error text
   ) strict;
   create index deliveries_by_time on deliveries (state, next_us);

   create table audit (
     id integer primary key autoincrement,
     account_id text not null,
     at_us integer not null,
     actor text not null,
     action text not null,
     subject text not null,
     data text not null
   ) strict;
   create index audit_by_account on audit (account_id, id);
   create index audit_by_age on audit (at_us);

   -- What SQLite's planner is to take for granted (sqlite.org/fileformat2.html#stat1tab): one account has everything, few of it are one
   -- user's, and next to nothing is one call's. Without, it reads all of a month to find a call.
   analyze;
   insert into sqlite_stat1 (tbl, idx, stat) values
     ('recordings', 'recordings_by_time', '100000 100000 2 1'),
     ('recordings', 'recordings_by_owner', '100000 100000 1000 2 1'),
     ('recordings', 'recordings_by_call', '100000 100000 2 2 1'),
     ('recordings', 'recordings_by_age', '100000 2'),
     ('recordings', 'recordings_by_state', '100000 20000');
   analyze sqlite_schema;`,
  chainAudit,
  `create table signing_keys (
     key_id text primary key,
     public_key text not null,
     first_us integer not null
   ) strict;`,
  `alter table deliveries add column target text not null default '';
   alter table accounts add column webhook_url text;
   alter table accounts add column webhook_secret text;

   create table webhooks (
     account_id text not null references accounts (id) on delete cascade,
     id text not null,
     created_us integer not null,
     body text not null,
     state text not null,
     tries integer not null,
     next_us integer not null,
     deadline_us integer not null,
     last_status integer,
     last_error text,
     primary key (account_id, id)
   ) strict;
   create index webhooks_by_time on webhooks (state, next_us);
   create index webhooks_by_account on webhooks (account_id, created_us);`,
  'alter table accounts add column stream_keys text;',
];

/**
 * Takes the steps that are missing, each in a transaction of its own. Two processes at once take each step once.
 * @param what the database, for messages.
 * @throws STORE_FAILED for a database of a later version or of another program; nothing is changed then
 */
export const migrate = (
  database: SqliteDatabase,
  nowUs: number,
  what: string,
  migrations: readonly Migration[] = MIGRATIONS,
): void => {
  let version = versionOf(database, what);
  while (version < migrations.length) version = step(database, nowUs, what, migrations);
  if (version > migrations.length) {
    throw new AppError(
      'STORE_FAILED',
      `${what} is of a later version of this program (${version}, this one knows ${migrations.length}): update the program`,
    );
  }
};

/** One step, unless another process took it meanwhile. @returns the version afterwards */
const step = (database: SqliteDatabase, nowUs: number, what: string, migrations: readonly Migration[]): number => {
  database.exec('begin immediate');
  try {
    const version = versionOf(database, what);
    const next = migrations[version];
    if (next === undefined) {
      database.exec('commit');
      return version;
    }
    if (version === 0)
      database.exec(`create table ${LEDGER} (version integer primary key, applied_us integer not null)`);
    if (typeof next === 'string') database.exec(next);
    else next(database, nowUs);
    database.prepare(`insert into ${LEDGER} values (?, ?)`).run([version + 1, Math.round(nowUs)]);
    database.exec('commit');
    return version + 1;
  } catch (error) {
    rollBack(database);
    throw error;
  }
};

const rollBack = (database: SqliteDatabase): void => {
  try {
    database.exec('rollback');
  } catch {
    // SQLite has done so itself, as it does when the disk is full; the failure that led here is told.
  }
};

/** How many steps were taken; 0 for an empty database. */
const versionOf = (database: SqliteDatabase, what: string): number => {
  const tables = database.prepare(`select name from sqlite_master where type = 'table'`).all([]) as { name: string }[];
  if (!tables.some(({ name }) => name === LEDGER)) {
    if (tables.length === 0) return 0;
    throw new AppError('STORE_FAILED', `${what} belongs to another program: name a folder of record-call's own`);
  }
  const rows = database.prepare(`select max(version) as version from ${LEDGER}`).all([]) as {
    version: number | null;
  }[];
  return rows[0]?.version ?? 0;
};
