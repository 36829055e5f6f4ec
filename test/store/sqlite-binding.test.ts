import { describe, expect, test } from 'vitest';
import { findSqlite, type ModuleSource } from '../../src/store/sqlite-binding.ts';
import type { SqliteDatabase } from '../../src/store/sqlite-database.ts';
import { guarded, storeFault } from '../../src/store/store-fault.ts';
import { account, openStore } from './sample-rows.ts';

const hasNodeSqlite = process.getBuiltinModule('node:sqlite') !== undefined;
/** Not where npm leaves install scripts out, or there is nothing to compile it with. */
const hasBetter = await import('better-sqlite3' as string)
  .then(
    ({ default: Database }) => {
      new Database(':memory:').close();
      return true;
    },
    () => false,
  )
  .catch(() => false);
const better: ModuleSource = { builtin: () => undefined, load: (name) => import(name) };

/**
 * `node:sqlite` as its documentation has it, over the other library, where this Node.js has none: parameters are spread, rows have no
 * prototype, errors carry a number, closing twice throws.
 */
const nodeLike = async (withColumns: boolean): Promise<ModuleSource> => {
  const { default: Database } = (await import('better-sqlite3' as string)) as { default: new (path: string) => never };
  class DatabaseSync {
    readonly #inner: { prepare(sql: string): never; exec(sql: string): void; close(): void };
    #open = true;
    constructor(path: string) {
      this.#inner = new Database(path);
    }
    prepare(sql: string) {
      const inner = this.#renamed(() => this.#inner.prepare(sql)) as Record<string, CallableFunction> & {
        reader: boolean;
      };
      const bare = (row: object) => Object.assign(Object.create(null), row);
      return {
        all: (...values: unknown[]) => this.#renamed(() => inner.all!(values).map(bare)),
        run: (...values: unknown[]) => this.#renamed(() => inner.run!(values)),
        iterate: (...values: unknown[]) => inner.iterate!(values),
        ...(withColumns ? { columns: () => (inner.reader ? [{}] : []) } : {}),
      };
    }
    exec(sql: string): void {
      this.#renamed(() => this.#inner.exec(sql));
    }
    close(): void {
      if (!this.#open) throw new Error('database is not open');
      this.#open = false;
      this.#inner.close();
    }
    #renamed<T>(act: () => T): T {
      try {
        return act();
      } catch (error) {
        const errcode = (error as { code?: string }).code === 'SQLITE_CONSTRAINT_FOREIGNKEY' ? 787 : 1;
        throw Object.assign(new Error((error as Error).message), { code: 'ERR_SQLITE_ERROR', errcode });
      }
    }
  }
  return { builtin: () => ({ DatabaseSync }), load: () => Promise.reject(new Error('not asked for')) };
};

const sources = [
  { name: 'better-sqlite3', source: async () => better, skip: !hasBetter },
  { name: 'node:sqlite', source: async () => undefined, skip: !hasNodeSqlite },
  { name: 'what node:sqlite is documented as', source: () => nodeLike(true), skip: !hasBetter },
  { name: 'what node:sqlite was before 22.16', source: () => nodeLike(false), skip: !hasBetter },
];

describe('a store on either library', () => {
  for (const { name, source, skip } of sources) {
    test.skipIf(skip)(`works on ${name}${skip ? ' (which is not here)' : ''}`, async () => {
      const binding = await findSqlite(await source());
      expect(binding.name).toBe(name === 'better-sqlite3' ? 'better-sqlite3' : 'node:sqlite');
      const store = await openStore(undefined, { binding });
      await store.accounts.insert(account({ metaflows: { numbers: {} } }));
      await expect(store.accounts.insert(account())).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(
        store.keys.insert({ id: 'k', accountId: 'nobody', hash: 'x', isAdmin: true, createdUs: 1 }),
      ).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await store.accounts.update('a1', { name: 'Other' })).toBe(true);
      expect(await store.accounts.update('a2', { name: 'Other' })).toBe(false);
      expect(await store.accounts.list()).toEqual([account({ name: 'Other', metaflows: { numbers: {} } })]);
      expect(await store.accounts.remove('a1')).toBe(true);
      await store.close();
      await store.close();
      await expect(store.accounts.list()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    });
  }
});

describe('a machine without SQLite', () => {
  const missing = (what: RegExp) => ({ code: 'STORE_MISSING', message: expect.stringMatching(what) });

  test('is told to take a newer Node.js or to install the package', async () => {
    const load = () =>
      Promise.reject(Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }));
    await expect(findSqlite({ builtin: () => undefined, load })).rejects.toMatchObject(
      missing(/not installed; take Node\.js 22\.13 or later, or run `npm install better-sqlite3`/),
    );
  });

  test('is told to compile the package where npm 12 left that out', async () => {
    class Uncompiled {
      constructor() {
        throw new Error('Could not locate the bindings file. Tried: …');
      }
    }
    const source = { builtin: () => undefined, load: async () => ({ default: Uncompiled }) };
    await expect(findSqlite(source)).rejects.toMatchObject(
      missing(/not compiled for it; .*`npm rebuild better-sqlite3`/),
    );
  });

  test('and loading leaves warnings as they were', async () => {
    const { emitWarning } = process;
    await findSqlite();
    expect(process.emitWarning).toBe(emitWarning);
  });
});

describe('what a library throws', () => {
  for (const { error, code, said } of [
    { error: { code: 'SQLITE_FULL' }, code: 'STORE_FAILED', said: /the disk is full/ },
    { error: { code: 'ERR_SQLITE_ERROR', errcode: 13 }, code: 'STORE_FAILED', said: /the disk is full/ },
    { error: { code: 'SQLITE_IOERR_WRITE' }, code: 'STORE_FAILED', said: /the disk reports an error/ },
    { error: { code: 'ERR_SQLITE_ERROR', errcode: 778 }, code: 'STORE_FAILED', said: /the disk reports an error/ },
    { error: { code: 'SQLITE_BUSY_SNAPSHOT' }, code: 'STORE_FAILED', said: /locked by another program/ },
    { error: { code: 'SQLITE_CONSTRAINT_UNIQUE' }, code: 'CONFLICT', said: /another like it/ },
    { error: { code: 'ERR_SQLITE_ERROR', errcode: 2067 }, code: 'CONFLICT', said: /another like it/ },
    { error: { code: 'SQLITE_BUSYBODY' }, code: 'STORE_FAILED', said: /^the database failed: boom$/ },
    { error: {}, code: 'STORE_FAILED', said: /^the database failed: boom$/ },
  ]) {
    test(`${JSON.stringify(error)} is ${code}`, () => {
      expect(storeFault(Object.assign(new Error('boom'), error))).toMatchObject({
        code,
        message: expect.stringMatching(said),
      });
    });
  }

  test('becomes ours wherever it is thrown, and ours stays as it is', () => {
    const broken = () => {
      throw Object.assign(new Error('boom'), { code: 'SQLITE_CORRUPT' });
    };
    const statement = { reader: true, all: broken, run: broken, iterate: broken };
    const database = { prepare: () => statement, exec: broken, close: broken } satisfies SqliteDatabase;
    const ours = guarded(database);
    const acts = [
      () => ours.prepare('').all([]),
      () => ours.prepare('').run([]),
      () => ours.prepare('').iterate([]),
      () => ours.exec(''),
      () => ours.close(),
      () => guarded({ ...database, prepare: broken }).prepare(''),
    ];
    for (const act of acts) expect(act).toThrow(/^the database is damaged/);
    const first = storeFault(new Error('x'), 'the database /a');
    expect(storeFault(first, 'the database')).toBe(first);
  });
});
