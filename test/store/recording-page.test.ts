import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MOST_ROWS } from '../../src/store/recording-page.ts';
import type { RecordingFilter, RecordingQuery } from '../../src/store/recording-query.ts';
import type { RecordingRow } from '../../src/store/rows.ts';
import { findSqlite, type SqliteBinding } from '../../src/store/sqlite-binding.ts';
import { placeOf, startKeyOf } from '../../src/store/start-key.ts';
import { Store } from '../../src/store/store.ts';
import { scratchDir } from '../support/scratch.ts';
import { cloneRecording, openStore, recording } from './sample-rows.ts';

const ALL: RecordingQuery = {
  accountId: 'a1',
  createdFrom: 0,
  createdTo: 1e11,
  ascending: false,
  pageSize: 2,
  startKey: undefined,
  ownerId: undefined,
  filters: [],
};

const made = (id: string, createdGregorian: number, rest: Partial<RecordingRow> = {}) =>
  recording({ id, createdGregorian, ...rest });

const idsOf = (rows: readonly RecordingRow[]): string[] => rows.map(({ id }) => id);

/** Every page from the first to the last. */
const walk = async (store: Store, query: RecordingQuery, between: () => Promise<void> = async () => {}) => {
  const pages: string[][] = [];
  let startKey: string | undefined;
  do {
    const page = await store.recordings.page({ ...query, startKey });
    if (startKey !== undefined) expect(page.recordings.length === 0 || page.startKey !== '').toBe(true);
    pages.push(idsOf(page.recordings));
    startKey = page.nextStartKey;
    await between();
  } while (startKey !== undefined);
  return pages;
};

describe('a page of recordings', () => {
  const filled = async (): Promise<Store> => {
    const store = await openStore();
    await store.recordings.insert(made('b', 20, { ownerId: 'alice', callId: 'c2', document: { call_id: 'c2', n: 2 } }));
    await store.recordings.insert(made('a', 10, { document: { call_id: 'c1', n: 1 } }));
    await store.recordings.insert(made('d', 20, { document: { call_id: 'c1', n: 4 } }));
    await store.recordings.insert(made('c', 20, { ownerId: 'alice', document: { call_id: 'c1', n: 3 } }));
    await store.recordings.insert(made('e', 30, { document: { call_id: 'c1' } }));
    await store.recordings.insert(made('x', 25, { accountId: 'a2' }));
    return store;
  };

  for (const { name, query, pages } of [
    { name: 'the newest come first', query: {}, pages: [['e', 'd'], ['c', 'b'], ['a']] },
    { name: 'or the oldest', query: { ascending: true }, pages: [['a', 'b'], ['c', 'd'], ['e']] },
    {
      name: 'a page that ends with the last row has no next',
      query: { pageSize: 5 },
      pages: [['e', 'd', 'c', 'b', 'a']],
    },
    {
      name: 'both ends of the time belong to it',
      query: { createdFrom: 10, createdTo: 20 },
      pages: [
        ['d', 'c'],
        ['b', 'a'],
      ],
    },
    { name: 'a time without any', query: { createdFrom: 11, createdTo: 19 }, pages: [[]] },
    { name: 'those of a user', query: { ownerId: 'alice' }, pages: [['c', 'b']] },
    { name: 'those of a call', query: { filters: [{ kind: 'is', key: 'call_id', value: 'c2' }] }, pages: [['b']] },
    { name: 'all at once', query: { pageSize: undefined }, pages: [['e', 'd', 'c', 'b', 'a']] },
    {
      name: 'a filter fills pages',
      query: { filters: [{ kind: 'has-key', key: 'n', value: '' }] },
      pages: [
        ['d', 'c'],
        ['b', 'a'],
      ],
    },
    { name: "another account's", query: { accountId: 'a2' }, pages: [['x']] },
  ] satisfies { name: string; query: Partial<RecordingQuery>; pages: string[][] }[]) {
    test(name, async () => expect(await walk(await filled(), { ...ALL, ...query })).toEqual(pages));
  }

  test('filters look at the document that the caller makes', async () => {
    const filters: RecordingFilter[] = [{ kind: 'is', key: 'id', value: 'c' }];
    const store = await filled();
    const page = await store.recordings.page({
      ...ALL,
      filters,
      documentOf: ({ id, document }) => ({ ...document, id }),
    });
    expect(idsOf(page.recordings)).toEqual(['c']);
    expect(idsOf((await store.recordings.page({ ...ALL, filters })).recordings)).toEqual([]);
  });

  test('tells where it began and where the next begins, also when that row is gone', async () => {
    const store = await filled();
    const first = await store.recordings.page(ALL);
    expect([placeOf(first.startKey), placeOf(first.nextStartKey!)]).toEqual([
      { createdGregorian: 30, id: 'e' },
      { createdGregorian: 20, id: 'c' },
    ]);
    await store.recordings.remove('a1', 'c');
    const next = await store.recordings.page({ ...ALL, startKey: first.nextStartKey });
    expect(idsOf(next.recordings)).toEqual(['b', 'a']);
    const none = { ...ALL, accountId: 'a3' };
    expect(await store.recordings.page(none)).toEqual({ recordings: [], startKey: '', nextStartKey: undefined });
    expect((await store.recordings.page({ ...none, startKey: 'MTpi' })).startKey).toBe('MTpi');
  });

  test('all of them are too many when they are', async () => {
    const path = join(scratchDir(), 'x.db');
    const store = await openStore(path);
    await store.recordings.insert(made('r0', 0));
    await cloneRecording(path, MOST_ROWS);
    const query = { ...ALL, pageSize: undefined };
    await expect(store.recordings.page(query)).rejects.toMatchObject({ code: 'RANGE_TOO_LARGE' });
    const most = await store.recordings.page({ ...ALL, pageSize: 1e9 });
    expect([most.recordings.length, placeOf(most.nextStartKey!).id]).toEqual([MOST_ROWS, 'r0']);
    expect((await store.recordings.page({ ...query, createdFrom: 1 })).recordings).toHaveLength(MOST_ROWS);
  });

  test('what was there throughout is on one page, once, whatever comes and goes', async () => {
    const row = fc.record({ time: fc.nat(12), owner: fc.constantFrom(null, 'alice'), tag: fc.nat(2) });
    const change = fc.record({ row, removes: fc.nat(40) });
    const query = fc.record({
      ascending: fc.boolean(),
      pageSize: fc.integer({ min: 1, max: 7 }),
      createdFrom: fc.nat(4),
      createdTo: fc.integer({ min: 5, max: 12 }),
      ownerId: fc.constantFrom(undefined, 'alice'),
      filters: fc.constantFrom<RecordingFilter[]>([], [{ kind: 'is-not', key: 'tag', value: '1' }]),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 40 }),
        fc.array(change, { maxLength: 12 }),
        query,
        async (rows, changes, asked) => {
          const store = await Store.open(':memory:');
          let count = 0;
          const there = new Map<string, { time: number; owner: string | null; tag: number }>();
          const add = async (one: { time: number; owner: string | null; tag: number }): Promise<string> => {
            const id = `r${(count * 7919) % 1000}-${count++}`;
            there.set(id, one);
            await store.recordings.insert(made(id, one.time, { ownerId: one.owner, document: { tag: one.tag } }));
            return id;
          };
          for (const one of rows) await add(one);
          const wanted = (one: { time: number; owner: string | null; tag: number }): boolean =>
            one.time >= asked.createdFrom &&
            one.time <= asked.createdTo &&
            (asked.ownerId === undefined || one.owner === asked.ownerId) &&
            (asked.filters.length === 0 || one.tag !== 1);
          const atFirst = new Set([...there].filter(([, one]) => wanted(one)).map(([id]) => id));
          const ever = new Set(atFirst);
          const left = [...changes];
          const pages = await walk(store, { ...ALL, ...asked }, async () => {
            const next = left.pop();
            if (next === undefined) return;
            const id = await add(next.row);
            if (wanted(next.row)) ever.add(id);
            const gone = [...there.keys()][next.removes];
            if (gone === undefined) return;
            there.delete(gone);
            atFirst.delete(gone);
            await store.recordings.remove('a1', gone);
          });
          await store.close();
          const seen = pages.flat();
          expect(new Set(seen).size).toBe(seen.length);
          expect([...atFirst].filter((id) => !seen.includes(id))).toEqual([]);
          expect(seen.filter((id) => !ever.has(id))).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the database', () => {
  /** Every statement that is asked, with its parameters, and a way to ask more. */
  const listening = async () => {
    const binding = await findSqlite();
    const asked: { sql: string; parameters: readonly unknown[] }[] = [];
    let explain: (sql: string, parameters: readonly unknown[]) => string = () => '';
    const spy: SqliteBinding = {
      ...binding,
      open: (path) => {
        const database = binding.open(path);
        explain = (sql, parameters) =>
          (database.prepare(`explain query plan ${sql}`).all(parameters) as { detail: string }[])
            .map(({ detail }) => detail)
            .join('; ');
        return {
          ...database,
          prepare: (sql) => {
            const statement = database.prepare(sql);
            return {
              ...statement,
              reader: statement.reader,
              run: (parameters) => statement.run(parameters),
              iterate: (parameters) => statement.iterate(parameters),
              all: (parameters) => {
                if (sql.includes('"recordings"')) asked.push({ sql, parameters });
                return statement.all(parameters);
              },
            };
          },
        };
      },
    };
    const store = await openStore(undefined, { binding: spy });
    return { store, plans: () => asked.map(({ sql, parameters }) => explain(sql, parameters)) };
  };

  for (const { name, query, index } of [
    {
      name: 'a list',
      query: {},
      index: /recordings_by_time \(account_id=\? AND created_gregorian>\? AND created_gregorian<\?\)/,
    },
    {
      name: 'a list, oldest first',
      query: { ascending: true },
      index: /recordings_by_time \(account_id=\? AND created/,
    },
    {
      name: 'a later page',
      query: { startKey: startKeyOf({ createdGregorian: 9, id: 'x' }) },
      index: /recordings_by_time \(account_id=\? AND created/,
    },
    {
      name: "a user's",
      query: { ownerId: 'alice' },
      index: /recordings_by_owner \(account_id=\? AND owner_id=\? AND created/,
    },
    {
      name: "a call's",
      query: { filters: [{ kind: 'is', key: 'call_id', value: 'c1' }] },
      index: /recordings_by_call \(account_id=\? AND call_id=\? AND created/,
    },
  ] satisfies { name: string; query: Partial<RecordingQuery>; index: RegExp }[]) {
    test(`answers ${name} from an index, and sorts nothing`, async () => {
      const { store, plans } = await listening();
      await store.recordings.page({ ...ALL, ...query });
      const [plan] = plans();
      expect(plan).toMatch(index);
      expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
    });
  }

  test('gives no more rows for a page than it has', async () => {
    const path = join(scratchDir(), 'x.db');
    const store = await openStore(path);
    await store.recordings.insert(made('r0', 0));
    await cloneRecording(path, 500);
    let looked = 0;
    const documentOf = (row: RecordingRow) => {
      looked++;
      return row.document;
    };
    await store.recordings.page({ ...ALL, pageSize: 50, documentOf });
    expect(looked).toBe(51);
  });
});

describe('a start key', () => {
  test('is what it was made from', () =>
    fc.assert(
      fc.property(
        fc.nat(1e11),
        fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme' }),
        (createdGregorian, id) => {
          expect(placeOf(startKeyOf({ createdGregorian, id }))).toEqual({ createdGregorian, id });
        },
      ),
    ));

  for (const key of [
    '',
    '%',
    'MTpi=',
    'MTpi ',
    'MTo',
    'Omly',
    'LTE6eA',
    'MTpi\n',
    'x'.repeat(600),
    '../../etc/passwd',
  ]) {
    test(`${JSON.stringify(key.slice(0, 20))} is none`, async () => {
      const refusal = { code: 'FIELDS_INVALID', details: { start_key: { wrong_format: expect.anything() } } };
      const store = await openStore();
      await expect(store.recordings.page({ ...ALL, startKey: key })).rejects.toMatchObject(refusal);
    });
  }

  test('is refused or taken, whatever it is', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (key) => {
        try {
          expect(startKeyOf(placeOf(key))).toBe(key);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FIELDS_INVALID' });
        }
      }),
      { numRuns: 500 },
    ));
});
