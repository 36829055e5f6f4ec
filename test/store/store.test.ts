import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { Store } from '../../src/store/store.ts';
import { scratchDir } from '../support/scratch.ts';
import { account, auditEntry, openStore, recording } from './sample-rows.ts';

const newFile = (): string => join(scratchDir(), 'record-call.db');
const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('opening a store', () => {
  test('makes files that only their owner may read, and keeps them so', async () => {
    const path = newFile();
    const store = await openStore(path);
    await store.accounts.insert(account());
    const modes = () => ['', '-wal', '-shm'].map((end) => (statSync(path + end).mode & 0o777).toString(8));
    expect(modes()).toEqual(['600', '600', '600']);
    for (const end of ['', '-wal', '-shm']) chmodSync(path + end, 0o644);
    await openStore(path);
    expect(modes()).toEqual(['600', '600', '600']);
  });

  test('finds what was there, and leaves one file when it closes', async () => {
    const path = newFile();
    const first = await Store.open(path);
    await first.accounts.insert(account({ extra: { realm: 'acme.example' } }));
    await first.close();
    await first.close();
    expect(readdirSync(join(path, '..'))).toEqual(['record-call.db']);
    const second = await openStore(path);
    expect(await second.accounts.list()).toEqual([account({ extra: { realm: 'acme.example' } })]);
  });

  test('writes ahead, in full, with foreign keys and a bounded wait', async () => {
    const path = newFile();
    const asked: string[] = [];
    const binding = await findSqlite();
    await openStore(path, {
      binding: {
        ...binding,
        open: (name) => {
          const database = binding.open(name);
          return {
            ...database,
            exec: (sql) => {
              database.exec(sql);
              const [pragma] = /(?<=^pragma )\w+/.exec(sql) ?? [];
              if (pragma === undefined) return;
              asked.push(`${pragma} ${Object.values(database.prepare(`pragma ${pragma}`).all([])[0] as object)[0]}`);
            },
          };
        },
      },
    });
    expect(asked).toEqual(['busy_timeout 2000', 'journal_mode wal', 'synchronous 2', 'foreign_keys 1']);
  });

  for (const { name, message, prepare } of [
    { name: 'a path into a folder that is missing', message: /ENOENT/, prepare: () => {} },
    { name: 'a folder of that name', message: /EISDIR/, prepare: (path: string) => mkdirSync(path) },
    {
      name: 'a file of something else',
      message: /is no database: put a copy back/,
      prepare: (path: string) => writeFileSync(path, 'RIFF'.repeat(5000)),
    },
  ]) {
    test(`${name} is refused with what to do`, async () => {
      const path = join(scratchDir(), name.includes('missing') ? 'no/x.db' : 'x.db');
      prepare(path);
      await expect(Store.open(path)).rejects.toEqual(failure('STORE_FAILED', message));
    });
  }

  test('a file with a good head and garbage after it is told as damaged', async () => {
    const path = newFile();
    const store = await Store.open(path);
    await store.accounts.insert(account());
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 200);
    writeFileSync(path, bytes);
    await expect(Store.open(path)).rejects.toEqual(failure('STORE_FAILED', /record-call\.db is damaged/));
  });

  test('damage that only a query meets is told as well, without the path', async () => {
    const path = newFile();
    await (await Store.open(path)).close();
    const emptyBytes = statSync(path).size;
    const store = await Store.open(path);
    for (let n = 0; n < 50; n++)
      await store.recordings.insert(recording({ id: `r${n}`, document: { x: 'y'.repeat(4000) } }));
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, emptyBytes);
    writeFileSync(path, bytes);
    const damaged = await openStore(path);
    await expect(damaged.recordings.unfinished()).rejects.toEqual(failure('STORE_FAILED', /^the database is damaged/));
  });

  test('a column that holds no JSON is told as damage', async () => {
    const path = newFile();
    const store = await openStore(path);
    await store.accounts.insert(account());
    const raw = (await findSqlite()).open(path);
    raw.exec(`update accounts set extra = '{'`);
    raw.close();
    await expect(store.accounts.get('a1')).rejects.toEqual(failure('STORE_FAILED', /damaged/));
  });

  const isRoot = process.getuid?.() === 0;
  const NOBODY = 65_534;
  /** As somebody who may not write everywhere. */
  const open = async (path: string): Promise<unknown> => {
    await findSqlite();
    if (isRoot) process.seteuid!(NOBODY);
    try {
      return await Store.open(path);
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  };

  test('a folder that may not be written to is refused, whether the file is there or not', async () => {
    const path = newFile();
    chmodSync(join(path, '..'), 0o555);
    await expect(open(path)).rejects.toEqual(failure('STORE_FAILED', /could not be opened \(EACCES\): its folder/));
    chmodSync(join(path, '..'), 0o755);
    await (await Store.open(path)).close();
    if (isRoot) chownSync(path, NOBODY, NOBODY);
    chmodSync(join(path, '..'), 0o555);
    await expect(open(path)).rejects.toEqual(failure('STORE_FAILED', /folder (must be there and writable|may not be)/));
    chmodSync(join(path, '..'), 0o755);
  });
});

describe('a store in use', () => {
  test('says so when it is closed already', async () => {
    const store = await openStore();
    await store.close();
    await expect(store.accounts.list()).rejects.toEqual(failure('STORE_FAILED', /not open/));
  });

  test('what is done atomically is done as a whole or not at all', async () => {
    const store = await openStore();
    const attempt = store.atomically(async ({ accounts, audit }) => {
      await accounts.insert(account());
      await audit.append(auditEntry());
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect([await store.accounts.list(), await store.audit.page('a1', { limit: 9 })]).toEqual([[], []]);
    expect(await store.atomically(({ accounts }) => accounts.insert(account()).then(() => 7))).toBe(7);
    expect(await store.accounts.get('a1')).toEqual(account());
  });

  test('what else is asked meanwhile waits for its end', async () => {
    const store = await openStore();
    const order: string[] = [];
    const long = store.atomically(async ({ accounts }) => {
      await accounts.insert(account());
      for (let n = 0; n < 20; n++) await Promise.resolve();
      order.push('atomic');
    });
    const closing = store.accounts.get('a1').finally(() => order.push('get'));
    await long;
    expect([await closing, order]).toEqual([account(), ['atomic', 'get']]);
  });

  test('two processes write to one file, and none loses a row', async () => {
    const path = newFile();
    const store = await openStore(path);
    const count = 150;
    const other = spawn(process.execPath, [
      '--import',
      'tsx',
      join(import.meta.dirname, 'second-writer.ts'),
      path,
      `${count}`,
    ]);
    let said = '';
    other.stderr.on('data', (text) => (said += text));
    const exit = once(other, 'exit');
    for (let n = 0; n < count || other.exitCode === null; n++) {
      await store.audit.append(auditEntry({ subject: 'first' }));
      // SQLite's locks have no queue: a writer that never pauses starves any other.
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (n >= 20_000) break;
    }
    expect([await exit, said]).toEqual([[0, null], '']);
    const entries = await store.audit.page('a1', { limit: 100_000 });
    expect(entries.filter(({ actor }) => actor === 'second')).toHaveLength(count);
  });

  test('a file that another holds too long is told as locked', async () => {
    const path = newFile();
    const [first, second] = [await openStore(path), await openStore(path)];
    const attempt = first.atomically(async ({ accounts }) => {
      await accounts.insert(account());
      await expect(second.accounts.insert(account({ id: 'a2' }))).rejects.toEqual(
        failure('STORE_FAILED', /locked by another program/),
      );
    });
    await attempt;
    await second.accounts.insert(account({ id: 'a2' }));
    expect(await first.accounts.list()).toHaveLength(2);
  });
});
