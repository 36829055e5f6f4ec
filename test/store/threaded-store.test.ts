/** The store on a thread of its own: the same answers, the same errors, and nobody waits for the disk. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { Store } from '../../src/store/store.ts';
import { ThreadedDatabase } from '../../src/store/threaded-database.ts';
import { scratchDir } from '../support/scratch.ts';
import { account, auditEntry, recording } from './sample-rows.ts';

const open = async (path = join(scratchDir(), 'record-call.db')): Promise<Store> => {
  const store = await Store.openThreaded(path);
  onTestFinished(() => store.close());
  return store;
};

describe('a store on its own thread', () => {
  test('gives back what was put in, also after it was closed and opened again', async () => {
    const path = join(scratchDir(), 'record-call.db');
    const store = await open(path);
    await store.accounts.insert(account({ extra: { realm: 'acme.example' } }));
    await store.recordings.insert(recording({ document: { from: 'käse@example' } }));
    for (const name of [path, `${path}.lock`]) expect((statSync(name).mode & 0o777).toString(8)).toBe('600');
    await store.close();
    await store.close();
    const again = await open(path);
    expect(await again.accounts.list()).toEqual([account({ extra: { realm: 'acme.example' } })]);
    expect(await again.recordings.get('a1', recording().id)).toEqual(recording({ document: { from: 'käse@example' } }));
  });

  test('does what is atomic as a whole or not at all, while others wait', async () => {
    const store = await open();
    const attempt = store.atomically(async ({ accounts, audit }) => {
      await accounts.insert(account());
      await audit.append(auditEntry());
      throw new Error('no');
    });
    const meanwhile = store.accounts.list();
    await expect(attempt).rejects.toThrow('no');
    expect(await meanwhile).toEqual([]);
    expect(await store.atomically(({ accounts }) => accounts.insert(account()).then(() => 7))).toBe(7);
    expect(await store.accounts.list()).toEqual([account()]);
  });

  test('a transaction that could be neither committed nor undone takes nothing with it that comes after', async () => {
    const path = join(scratchDir(), 'record-call.db');
    const store = await open(path);
    const fault = new AppError('STORE_FAILED', 'the database could not be read or written');
    const ask = ThreadedDatabase.prototype.executeQuery;
    const broken = vi.spyOn(ThreadedDatabase.prototype, 'executeQuery').mockImplementation(function (
      this: ThreadedDatabase,
      query,
    ) {
      return /^(commit|rollback)/.test(query.sql) ? Promise.reject(fault) : ask.call(this, query);
    } as typeof ask);
    const failed = store.atomically(({ accounts }) => accounts.insert(account({ id: 'lost' })));
    await expect(failed).rejects.toBe(fault);
    // As long as it is open nothing else may be written: it would be in it.
    await expect(store.accounts.insert(account({ id: 'refused' }))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    broken.mockRestore();
    await store.accounts.insert(account({ id: 'kept' }));
    await store.close();
    expect((await (await open(path)).accounts.list()).map(({ id }) => id)).toEqual(['kept']);
  });

  test('answers many that ask at once, each its own', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 200 }, (_, n) => store.accounts.insert(account({ id: `a${n}` }))));
    const found = await Promise.all(Array.from({ length: 200 }, (_, n) => store.accounts.get(`a${n}`)));
    expect(found.map((each) => each?.id)).toEqual(Array.from({ length: 200 }, (_, n) => `a${n}`));
  });

  test('tells a conflict, and that it is closed', async () => {
    const store = await open();
    await store.accounts.insert(account());
    await expect(store.accounts.insert(account())).rejects.toMatchObject({ name: 'AppError', code: 'CONFLICT' });
    expect(await store.accounts.list()).toHaveLength(1);
    await store.close();
    await expect(store.accounts.list()).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  for (const { name, prepare, want } of [
    { name: 'a folder of that name', prepare: (path: string) => mkdirSync(path), want: /EISDIR/ },
    {
      name: 'a file of something else',
      prepare: (path: string) => writeFileSync(path, 'RIFF'.repeat(5000)),
      want: /is no database: put a copy back/,
    },
  ]) {
    test(`${name} is refused with what to do`, async () => {
      const path = join(scratchDir(), 'x.db');
      prepare(path);
      await expect(Store.openThreaded(path)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(want),
      });
    });
  }

  test('a file is served by one store at a time', async () => {
    const path = join(scratchDir(), 'record-call.db');
    const first = await open(path);
    await expect(Store.openThreaded(path)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`another service is using ${path}`),
    });
    await first.accounts.insert(account());
    await first.close();
    expect(await (await open(path)).accounts.list()).toHaveLength(1);
  });

  test('a file that another holds keeps the asker waiting, not its thread', async () => {
    const path = join(scratchDir(), 'record-call.db');
    const store = await open(path);
    const other = (await findSqlite()).open(path);
    other.exec('begin immediate');
    const writing = store.accounts.insert(account());
    const startedUs = systemClock.now();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    // The lock is held for two seconds before it is told: this thread has gone round fifty times long before.
    expect(systemClock.now() - startedUs).toBeLessThan(1_000_000);
    other.exec('commit');
    other.close();
    await writing;
    expect(await store.accounts.list()).toHaveLength(1);
  });
});
