/**
 * The step from an audit of loose entries to a chain (`audit-chain.ts`). What is there is chained as it stands, in its order, and an entry
 * `audit.chain` behind it says so: what was done to entries before that, no chain can show.
 */
import { auditDataIn, CHAIN_BEGIN, CHAINED, chained } from './audit-chain.ts';
import type { AuditEntry, AuditRow, ChainEnd } from './rows.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const TABLES = `
  alter table audit rename to loose_audit;
  drop index audit_by_account;
  drop index audit_by_age;

  create table audit (
    account_id text not null,
    entry integer not null,
    at_us integer not null,
    actor text not null,
    action text not null,
    subject text not null,
    data text not null,
    previous text not null,
    hash text not null,
    primary key (account_id, entry)
  ) strict, without rowid;
  create index audit_by_age on audit (at_us);

  create table audit_heads (
    account_id text primary key,
    entry integer not null,
    hash text not null
  ) strict;`;

const PAGE = 500;

type LooseRow = Readonly<Record<'account_id' | 'actor' | 'action' | 'subject' | 'data', string>> &
  Readonly<Record<'id' | 'at_us', number>>;

/** Within a transaction. */
export const chainAudit = (database: SqliteDatabase, nowUs: number): void => {
  database.exec(TABLES);
  const insert = database.prepare('insert into audit values (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const ends = new Map<string, ChainEnd>();
  const append = (entry: AuditEntry): void => {
    const row = chained(entry, ends.get(entry.accountId) ?? CHAIN_BEGIN);
    ends.set(entry.accountId, { entry: row.entry, hash: row.hash });
    insert.run(columnsOf(row));
  };
  for (const row of looseRows(database)) {
    const { account_id: accountId, at_us: atUs, actor, action, subject, data } = row;
    append({ accountId, atUs, actor, action, subject, data: auditDataIn(data) });
  }
  for (const [accountId, { entry: through }] of [...ends]) {
    const subject = `account/${accountId}`;
    append({ accountId, atUs: nowUs, actor: 'policy:upgrade', action: CHAINED, subject, data: { through } });
  }
  const note = database.prepare('insert into audit_heads values (?, ?, ?)');
  for (const [accountId, { entry, hash }] of ends) note.run([accountId, entry, hash]);
  database.exec('drop table loose_audit');
};

/** In the order they were written, some at a time: a statement that runs keeps others from being prepared. */
function* looseRows(database: SqliteDatabase): Generator<LooseRow> {
  const read = database.prepare(`select * from loose_audit where id > ? order by id limit ${PAGE}`);
  for (let last = 0; ; ) {
    const rows = read.all([last]) as LooseRow[];
    yield* rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.id;
  }
}

const columnsOf = ({ accountId, entry, atUs, actor, action, subject, data, previous, hash }: AuditRow): unknown[] => [
  accountId,
  entry,
  atUs,
  actor,
  action,
  subject,
  JSON.stringify(data),
  previous,
  hash,
];
