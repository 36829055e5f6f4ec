/** A database from before there was a chain: its entries are chained as they stand, and the chain says from where on it proves something. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chainedEntry } from '../../src/store/audit-chain.ts';
import { ChainCheck } from '../../src/store/chain-check.ts';
import { MIGRATIONS, migrate } from '../../src/store/migrations.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { scratchDir } from '../support/scratch.ts';
import { auditEntry, NOON_US, openStore } from './sample-rows.ts';

type Loose = readonly [account: string, subject: string, data: string];

/** As the first version wrote it. */
const oldDatabase = async (entries: readonly Loose[]): Promise<string> => {
  const path = join(scratchDir(), 'x.db');
  const database = (await findSqlite()).open(path);
  migrate(database, 1, 'it', MIGRATIONS.slice(0, 1));
  database.exec('begin');
  const insert = database.prepare(
    'insert into audit (account_id, at_us, actor, action, subject, data) values (?, ?, ?, ?, ?, ?)',
  );
  for (const [n, [account, subject, data]] of entries.entries())
    insert.run([account, NOON_US + n, 'api:k1', 'user.change', subject, data]);
  // The first of them are gone: their numbers do not begin with 1.
  database.exec('delete from audit where id <= 2; commit');
  database.close();
  return path;
};

describe('an audit of loose entries', () => {
  test('becomes chains in the order it was written, each with an entry that says what they are', async () => {
    const loose = Array.from({ length: 1203 }, (_, n): Loose => [n % 3 === 0 ? 'a2' : 'a1', `user/${n}`, `{"n":${n}}`]);
    const path = await oldDatabase(loose);
    const store = await openStore(path, { clock: { now: () => NOON_US + 5e6, sleep: async () => {} } });
    for (const accountId of ['a1', 'a2']) {
      const old = loose.filter(([account], n) => account === accountId && n >= 2);
      const rows = await store.audit.chain(accountId, { after: 0, limit: 5000 });
      expect(rows.map(({ subject }) => subject)).toEqual([
        ...old.map(([, subject]) => subject),
        `account/${accountId}`,
      ]);
      expect(rows[0]).toMatchObject({ entry: 1, actor: 'api:k1', action: 'user.change', previous: '0'.repeat(64) });
      expect(rows.at(-1)).toMatchObject({
        entry: old.length + 1,
        atUs: NOON_US + 5e6,
        actor: 'policy:upgrade',
        action: 'audit.chain',
        data: { through: old.length },
      });
      await store.audit.append(auditEntry({ accountId }));
      const check = new ChainCheck(accountId);
      for (const row of await store.audit.chain(accountId, { after: 0, limit: 5000 })) check.take(chainedEntry(row));
      check.finish((await store.audit.end(accountId))!, 1);
      expect(check.faults).toEqual([]);
      expect((await store.audit.end(accountId))?.entry).toBe(old.length + 2);
    }
    const database = (await findSqlite()).open(path);
    const names = database.prepare(`select name from sqlite_master where name like '%loose%'`).all([]);
    database.close();
    expect(names).toEqual([]);
  });

  test('that is empty stays so, and begins with entry 1', async () => {
    const store = await openStore(await oldDatabase([]));
    expect(await store.audit.accounts()).toEqual([]);
    await store.audit.append(auditEntry());
    expect(await store.audit.page('a1', { limit: 9 })).toMatchObject([{ entry: 1, action: 'mask' }]);
  });

  test('is taken over with what can not be read in it: an upgrade loses no evidence', async () => {
    const store = await openStore(
      await oldDatabase([
        ['a1', '', ''],
        ['a1', '', ''],
        ['a1', 'user/x', '{"n":'],
      ]),
    );
    const [, row] = await store.audit.page('a1', { limit: 9 });
    expect(row).toMatchObject({ subject: 'user/x', data: { damaged: '{"n":' } });
  });
});
