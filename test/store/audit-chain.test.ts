/** The audit's chain: whatever is done to it afterwards shows, and where; what the store itself does to it does not. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { CHAIN_BEGIN, type ChainedEntry, chained, chainedEntry, hashOf } from '../../src/store/audit-chain.ts';
import { ChainCheck } from '../../src/store/chain-check.ts';
import type { AuditRow, ChainEnd } from '../../src/store/rows.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import type { Store } from '../../src/store/store.ts';
import { scratchDir } from '../support/scratch.ts';
import { auditEntry, NOON_US, openStore } from './sample-rows.ts';

/** A chain of `count` entries, as it is exported. */
const chainOf = (count: number, begin: ChainEnd = CHAIN_BEGIN): ChainedEntry[] => {
  const rows: AuditRow[] = [];
  for (let n = 1; n <= count; n++) {
    const data = { changed: true, recordings: [`r${n}`], n };
    rows.push(chained(auditEntry({ atUs: NOON_US + n, subject: `call/c${n}`, data }), rows.at(-1) ?? begin));
  }
  return rows.map(chainedEntry);
};

const endOf = (entries: readonly ChainedEntry[]): ChainEnd => {
  const last = entries.at(-1);
  return last === undefined ? CHAIN_BEGIN : { entry: last.entry, hash: last.hash };
};

/** The faults of a chain that is known to end as `end` says. */
const faultsOf = (entries: readonly ChainedEntry[], end: ChainEnd = endOf(entries), first?: number) => {
  const check = new ChainCheck('a1');
  for (const entry of entries) check.take(entry);
  check.finish(end, first);
  expect(check.faultCount).toBeGreaterThanOrEqual(check.faults.length);
  return check.faults;
};

const WHOLE = chainOf(9);
const copy = (): ChainedEntry[] => structuredClone(WHOLE);
/** With the hash that belongs to it, as whoever knows how it is made would write it. */
const rehashed = (entry: ChainedEntry): ChainedEntry => ({ ...entry, hash: hashOf(entry) });

describe('a chain', () => {
  test('is made by a rule that any program can follow', () => {
    let previous = '0'.repeat(64);
    for (const [index, { hash, ...said }] of WHOLE.entries()) {
      expect(said).toMatchObject({ account_id: 'a1', entry: index + 1, previous });
      expect(createHash('sha256').update(canonicalJson(said)).digest('hex')).toBe(hash);
      previous = hash;
    }
    expect(WHOLE[0]).toMatchObject({
      at: '2023-11-14T22:13:20.000001Z',
      actor: 'k1',
      action: 'mask',
      subject: 'call/c1',
    });
  });

  test('holds as it was made, from any entry on, and of one entry, and of none', () => {
    expect(faultsOf(WHOLE)).toEqual([]);
    expect(faultsOf(WHOLE, endOf(WHOLE), 1)).toEqual([]);
    expect(faultsOf(WHOLE.slice(0, 1))).toEqual([]);
    expect(faultsOf([])).toEqual([]);
    const later = new ChainCheck('a1', endOf(WHOLE.slice(0, 4)));
    for (const entry of WHOLE.slice(4)) later.take(entry);
    later.finish(endOf(WHOLE));
    expect(later.faults).toEqual([]);
  });

  for (const { name, change, entry, why } of [
    { name: 'the first removed', change: (all) => all.splice(0, 1), entry: 1, why: /^entry 1 is missing$/ },
    { name: 'one removed', change: (all) => all.splice(4, 1), entry: 5, why: /^entry 5 is missing$/ },
    { name: 'some removed', change: (all) => all.splice(3, 3), entry: 4, why: /^entry 4 is missing, and all up to 6$/ },
    { name: 'the last cut off', change: (all) => all.pop(), entry: 9, why: /^entry 9 is missing$/ },
    { name: 'its end cut off', change: (all) => all.splice(2), entry: 3, why: /^entry 3 is missing, and all up to 9$/ },
    { name: 'all removed', change: (all) => all.splice(0), entry: 1, why: /^entry 1 is missing, and all up to 9$/ },
    {
      name: 'two swapped',
      change: (all) => all.splice(3, 2, all[4]!, all[3]!),
      entry: 4,
      why: /^entry 4 is missing$/,
    },
    {
      name: 'one put in twice',
      change: (all) => all.splice(5, 0, all[2]!),
      entry: 3,
      why: /^entry 3 stands behind entry 5: it was moved or put in$/,
    },
    {
      name: 'one put in with a hash of its own',
      change: (all) => all.splice(5, 0, rehashed({ ...all[5]!, action: 'unmask' })),
      entry: 7,
      why: /^entry 6 stands behind entry 6|^entry 7 /,
    },
    {
      name: 'one changed, its hash made anew',
      change: (all) => all.splice(4, 1, rehashed({ ...all[4]!, actor: 'api:somebody' })),
      entry: 6,
      why: /^entry 6 was written behind another entry 5 than the one that stands there$/,
    },
    {
      name: 'the last changed, its hash made anew',
      change: (all) => all.splice(8, 1, rehashed({ ...all[8]!, actor: 'api:somebody' })),
      entry: 9,
      why: /^entry 9 is not the one that is known to be the end$/,
    },
    {
      name: 'one added behind the end',
      change: (all) => all.push(rehashed({ ...all[8]!, entry: 10, previous: all[8]!.hash })),
      entry: 10,
      why: /^entry 10 stands behind what is known to be the end$/,
    },
    {
      name: 'one of another account',
      change: (all) => all.splice(4, 1, rehashed({ ...all[4]!, account_id: 'a2' })),
      entry: 5,
      why: /^entry 5 is of another account$/,
    },
    {
      name: 'data that nobody can have written',
      change: (all) => all.splice(4, 1, { ...all[4]!, data: { n: Number.NaN } }),
      entry: 5,
      why: /^entry 5 does not say what it said when it was written$/,
    },
  ] satisfies { name: string; change: (all: ChainedEntry[]) => unknown; entry: number; why: RegExp }[])
    test(`${name}: the entry is named`, () => {
      const all = copy();
      change(all);
      const faults = faultsOf(all, endOf(WHOLE));
      expect(faults.map((fault) => fault.why).join('\n')).toMatch(new RegExp(why.source, 'm'));
      expect(faults.map((fault) => fault.entry)).toContain(entry);
    });

  for (const field of Object.keys(WHOLE[0]!) as (keyof ChainedEntry)[])
    test(`shows that ${field} of an entry was changed, and which entry`, () => {
      for (const [index, entry] of WHOLE.entries()) {
        const { [field]: value } = entry;
        const other = typeof value === 'number' ? value + 100 : typeof value === 'string' ? `${value}x` : { n: 'x' };
        const faults = faultsOf(WHOLE.with(index, { ...entry, [field]: other } as ChainedEntry), endOf(WHOLE));
        const named = [entry.entry, entry.entry + (field === 'entry' ? 100 : 1)];
        expect(faults.some((fault) => named.includes(fault.entry))).toBe(true);
      }
    });

  test('shows anything that is left out, moved, doubled or changed', () => {
    const place = fc.nat({ max: WHOLE.length - 1 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ what: fc.constantFrom('remove', 'move', 'double', 'change'), place, to: place }), {
          minLength: 1,
          maxLength: 4,
        }),
        (steps) => {
          const all = copy();
          for (const { what, place: from, to } of steps) {
            const entry = all[from];
            if (entry === undefined) continue;
            if (what === 'remove') all.splice(from, 1);
            if (what === 'move') all.splice(to, 0, ...all.splice(from, 1));
            if (what === 'double') all.splice(to, 0, entry);
            if (what === 'change') all.splice(from, 1, rehashed({ ...entry, subject: `${entry.subject}!` }));
          }
          const isSame = JSON.stringify(all) === JSON.stringify(WHOLE);
          expect(faultsOf(all, endOf(WHOLE)).length === 0).toBe(isSame);
        },
      ),
    );
  });

  test('that begins later needs its own word that the rest was pruned, and the right one', () => {
    const pruned = (through: number, hash: string): ChainedEntry[] => {
      const kept = WHOLE.slice(4);
      const data = { through, hash };
      const note = chained(auditEntry({ action: 'audit.prune', data }), endOf(kept));
      return [...kept, chainedEntry(note)];
    };
    expect(faultsOf(pruned(4, WHOLE[3]!.hash))).toEqual([]);
    expect(faultsOf(pruned(4, WHOLE[3]!.hash), undefined, 5)).toEqual([]);
    for (const [through, hash, entry] of [
      [3, WHOLE[2]!.hash, 4],
      [5, WHOLE[4]!.hash, 5],
      [4, WHOLE[2]!.hash, 5],
    ] as const)
      expect(faultsOf(pruned(through, hash)).map((fault) => fault.entry)).toEqual([entry]);
    expect(faultsOf(WHOLE.slice(4)).map((fault) => fault.why)).toEqual(['entry 1 is missing, and all up to 4']);
    // What was pruned, and is there again.
    expect(faultsOf([...WHOLE.slice(0, 4), ...pruned(4, WHOLE[3]!.hash)])[0]!.entry).toBe(1);
    expect(faultsOf(pruned(4, WHOLE[3]!.hash), undefined, 1)).toHaveLength(1);
  });

  test('keeps a bounded number of faults, and counts the others', () => {
    const check = new ChainCheck('a2');
    for (const entry of chainOf(300)) check.take(entry);
    expect([check.faults.length, check.faultCount]).toEqual([100, 300]);
  });
});

const exported = async (store: Store, accountId = 'a1'): Promise<ChainedEntry[]> =>
  (await store.audit.chain(accountId, { after: 0, limit: 100_000 })).map(chainedEntry);

describe('the store', () => {
  test('chains what it is given, each account’s apart, and knows where each ends', async () => {
    const store = await openStore();
    await store.audit.append(auditEntry(), auditEntry({ accountId: 'a2' }), auditEntry());
    await store.audit.append(auditEntry({ accountId: 'a2', atUs: NOON_US + 0.4, data: { b: undefined, a: '\ud800' } }));
    for (const [accountId, count] of [
      ['a1', 2],
      ['a2', 2],
    ] as const) {
      const entries = await exported(store, accountId);
      const check = new ChainCheck(accountId);
      for (const entry of entries) check.take(entry);
      check.finish((await store.audit.end(accountId))!, 1);
      expect([check.faults, entries.length]).toEqual([[], count]);
    }
    expect(await store.audit.end('a3')).toBeUndefined();
    expect([await store.audit.accounts(), await store.audit.strays()]).toEqual([['a1', 'a2'], []]);
  });

  test('makes no fork of what comes at once, from however many tasks and processes', async () => {
    const path = join(scratchDir(), 'x.db');
    const store = await openStore(path);
    const count = 12;
    const writer = join(import.meta.dirname, 'second-writer.ts');
    const others = [1, 2].map(() => spawn(process.execPath, ['--import', 'tsx', writer, path, `${count}`]));
    const ends = others.map((other) => once(other, 'exit'));
    let written = 0;
    const append = async (n: number): Promise<void> => {
      const entries = Array.from({ length: 1 + (n % 3) }, (_, part) => auditEntry({ subject: `${n}.${part}` }));
      if (n % 4 === 0) await store.atomically(({ audit }) => audit.append(...entries));
      else await store.audit.append(...entries);
      written += entries.length;
    };
    await Promise.race(others.map((other) => once(other.stdout, 'data')));
    await Promise.all(Array.from({ length: 40 }, (_, n) => append(n)));
    expect(await Promise.all(ends)).toEqual([
      [0, null],
      [0, null],
    ]);
    const entries = await exported(store);
    expect([entries.length, faultsOf(entries, await store.audit.end('a1'), 1)]).toEqual([written + 2 * count, []]);
  });

  test('leaves no link of what is taken back', async () => {
    const store = await openStore();
    await store.audit.append(auditEntry());
    await expect(
      store.atomically(async ({ audit }) => {
        await audit.append(auditEntry({ subject: 'never' }));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await store.audit.append(auditEntry());
    expect(faultsOf(await exported(store), await store.audit.end('a1'), 1)).toEqual([]);
  });

  test('prunes what is old from the beginning, and leaves its word for it in the chain', async () => {
    const store = await openStore();
    for (const atUs of [1, 2, 9, 3, 10]) await store.audit.append(auditEntry({ atUs }));
    await store.audit.append(auditEntry({ accountId: 'young', atUs: 9 }), auditEntry({ accountId: 'old', atUs: 1 }));
    const [, second] = await exported(store);
    // The fourth is old, and stands behind one that is not.
    expect(await store.audit.prune(5, 20)).toBe(3);
    const entries = await exported(store);
    expect(entries.map(({ entry }) => entry)).toEqual([3, 4, 5, 6]);
    expect(entries.at(-1)).toMatchObject({
      actor: 'policy:retention',
      action: 'audit.prune',
      subject: 'account/a1',
      data: { through: 2, hash: second!.hash },
    });
    expect(faultsOf(entries, await store.audit.end('a1'), 3)).toEqual([]);
    expect((await exported(store, 'young')).map(({ action }) => action)).toEqual(['mask']);
    expect((await exported(store, 'old')).map(({ entry, action }) => [entry, action])).toEqual([[2, 'audit.prune']]);
    expect(await store.audit.prune(5, 21)).toBe(0);
    // In the end its own word grows old, and is replaced.
    expect(await store.audit.prune(100, 200)).toBe(6);
    const last = await exported(store);
    expect(last.map(({ entry }) => entry)).toEqual([7]);
    expect(faultsOf(last, await store.audit.end('a1'), 7)).toEqual([]);
    await store.audit.append(auditEntry({ atUs: 300 }));
    expect(faultsOf(await exported(store), await store.audit.end('a1'), 7)).toEqual([]);
  });

  test('goes on behind an end that somebody cut off or whose note was taken away, so that it shows for good', async () => {
    for (const [name, sql, want] of [
      ['its end', 'delete from audit where entry > 3', ['entry 4 is missing, and all up to 5']],
      ['all of it', 'delete from audit', ['entry 1 is missing, and all up to 5']],
      ['the note', 'delete from audit_heads', []],
      // Whoever makes the note fit as well is found out by manifests alone.
      ['both', 'delete from audit where entry = 5; update audit_heads set entry = 2', []],
      ['one', 'delete from audit where entry = 2', ['entry 2 is missing']],
      [
        'words',
        `update audit set data = 'x' where entry = 2`,
        ['entry 2 does not say what it said when it was written'],
      ],
    ] as const) {
      const path = join(scratchDir(), 'x.db');
      const store = await openStore(path);
      for (let n = 0; n < 5; n++) await store.audit.append(auditEntry());
      const database = (await findSqlite()).open(path);
      database.exec(sql);
      database.close();
      await store.audit.append(auditEntry());
      const why = faultsOf(await exported(store), await store.audit.end('a1')).map((fault) => fault.why);
      expect([name, why]).toEqual([name, want]);
    }
  });

  test('knows accounts whose note was taken away', async () => {
    const path = join(scratchDir(), 'x.db');
    const store = await openStore(path);
    await store.audit.append(auditEntry(), auditEntry({ accountId: 'a2' }));
    const database = (await findSqlite()).open(path);
    database.exec(`delete from audit_heads where account_id = 'a2'`);
    database.close();
    expect([await store.audit.accounts(), await store.audit.strays()]).toEqual([['a1'], ['a2']]);
  });
});
