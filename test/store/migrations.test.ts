import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS, migrate } from '../../src/store/migrations.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import type { SqliteDatabase } from '../../src/store/sqlite-database.ts';
import { guarded } from '../../src/store/store-fault.ts';
import { scratchDir } from '../support/scratch.ts';

const STEPS = ['create table one (x integer)', 'alter table one add column y text; insert into one values (1, 2)'];

const open = async (path = ':memory:'): Promise<SqliteDatabase> => guarded((await findSqlite()).open(path));
const rows = (database: SqliteDatabase, sql: string): unknown[] => database.prepare(sql).all([]);
const ledger = (database: SqliteDatabase): unknown[] =>
  rows(database, 'select version, applied_us as at from record_call_migrations order by version');

describe('migrations', () => {
  test('take the steps that are missing, each once, and say when', async () => {
    const database = await open();
    migrate(database, 1.4, 'it', STEPS.slice(0, 1));
    migrate(database, 2, 'it', STEPS);
    migrate(database, 3, 'it', STEPS);
    expect(ledger(database)).toEqual([
      { version: 1, at: 1 },
      { version: 2, at: 2 },
    ]);
    expect(rows(database, 'select * from one')).toEqual([{ x: 1, y: '2' }]);
  });

  test('a step that fails leaves nothing of itself, and can be taken later', async () => {
    const database = await open();
    const broken = [STEPS[0], 'create table two (x integer); insert into nowhere values (1)'];
    expect(() => migrate(database, 1, 'it', broken)).toThrow(/nowhere/);
    expect(rows(database, `select name from sqlite_master where name in ('one', 'two')`)).toEqual([{ name: 'one' }]);
    expect(ledger(database)).toHaveLength(1);
    migrate(database, 2, 'it', STEPS);
    expect(ledger(database)).toHaveLength(2);
  });

  test('a database of a later version is refused and left alone', async () => {
    const database = await open();
    migrate(database, 1, 'it', [...STEPS, 'create table three (x integer)']);
    expect(() => migrate(database, 2, 'the database x', STEPS)).toThrow(
      'the database x is of a later version of this program (3, this one knows 2): update the program',
    );
    expect(ledger(database)).toHaveLength(3);
  });

  test("another program's database is refused and left alone", async () => {
    const database = await open();
    database.exec('create table theirs (x integer)');
    expect(() => migrate(database, 1, 'it', STEPS)).toThrow(/belongs to another program/);
    expect(rows(database, 'select name from sqlite_master')).toEqual([{ name: 'theirs' }]);
  });

  test('of two that find the same file empty, one takes each step', async () => {
    const path = join(scratchDir(), 'x.db');
    const [first, second] = [await open(path), await open(path)];
    // The second looked at the version before the first began, which is the worst that can happen.
    const late: SqliteDatabase = {
      ...second,
      exec: (sql) => {
        if (sql === 'begin immediate' && rows(first, 'select 1 from sqlite_master').length === 0) {
          migrate(first, 1, 'it', STEPS);
        }
        second.exec(sql);
      },
    };
    migrate(late, 2, 'it', STEPS);
    expect(ledger(second)).toEqual([
      { version: 1, at: 1 },
      { version: 2, at: 1 },
    ]);
    first.close();
    second.close();
  });

  test('of this version are taken on an empty database', async () => {
    const database = await open();
    migrate(database, 1, 'it');
    expect(ledger(database)).toHaveLength(MIGRATIONS.length);
    expect(rows(database, 'pragma foreign_key_check')).toEqual([]);
  });
});
