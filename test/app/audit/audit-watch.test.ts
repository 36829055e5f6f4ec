/** The audit watches over its own chains: what does not hold is said loudly, once in the chain itself, and what is as it should be never. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AuditTrail } from '../../../src/app/audit/audit-trail.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { AuditNote } from '../../../src/http/audit.ts';
import { findSqlite } from '../../../src/store/sqlite-binding.ts';
import { Store } from '../../../src/store/store.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { scratchDir } from '../../support/scratch.ts';

const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;
const DAY_MS = 86_400e3;
const FIRST = { pageSize: 50, startKey: undefined };

const note = (subject: string, more: Partial<AuditNote> = {}): AuditNote => ({
  accountId: 'acme',
  by: { kind: 'api', by: 'key1' },
  action: 'user.change',
  subject,
  ...more,
});

/** @param path of the database, to be opened again. */
const openTrail = async (path = join(scratchDir(), 'x.db'), clock = new HandClock(START_US)) => {
  const store = await Store.open(path);
  const errors: string[] = [];
  const log = { info: () => {}, warn: () => {}, error: (_: object, sentence: string) => void errors.push(sentence) };
  const published: unknown[] = [];
  const events = { publish: (...event: unknown[]) => void published.push(event) };
  const trail = new AuditTrail({ store, clock, log, events });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await trail.close();
    await store.close();
  };
  onTestFinished(close);
  const add = async (count: number, accountId = 'acme'): Promise<void> => {
    for (let n = 0; n < count; n++) trail.note(note(`user/${n}`, { accountId }));
    await trail.mark(accountId);
  };
  const tamper = async (sql: string): Promise<void> => {
    const database = (await findSqlite()).open(path);
    database.exec(sql);
    database.close();
  };
  const broken = async (accountId = 'acme') =>
    (await trail.page(accountId, FIRST)).entries.filter(({ action }) => action === 'audit.broken');
  return { path, store, clock, trail, errors, published, add, tamper, broken, close };
};

describe('chains that hold', () => {
  test('are not spoken of: at the start, at sweeps, over what comes in between and what is pruned', async () => {
    const { trail, clock, add, errors, published, broken } = await openTrail();
    await trail.check();
    for (let day = 0; day < 5; day++) {
      await add(250);
      await add(3, 'other');
      await trail.sweep();
      await clock.advance(100 * DAY_MS);
    }
    expect([errors, published, trail.faults, await broken()]).toEqual([[], [], 0, []]);
    expect((await trail.page('acme', FIRST)).entries.map(({ action }) => action)).toContain('user.change');
    await clock.advance(400 * DAY_MS);
    await trail.sweep();
    expect((await trail.page('acme', FIRST)).entries.map(({ action }) => action)).toEqual(['audit.prune']);
    expect([errors, trail.faults]).toEqual([[], 0]);
  });

  test('may be checked and pruned at once', async () => {
    const { trail, clock, add, errors } = await openTrail();
    await add(500);
    await clock.advance(401 * DAY_MS);
    await add(10);
    await Promise.all([trail.check(), trail.sweep(), trail.check(), trail.sweep()]);
    expect([errors, trail.faults]).toEqual([[], 0]);
  });
});

describe('a chain that does not', () => {
  test('hold what it held: its end cut off, and noted as if it had never been', async () => {
    const { trail, add, tamper, errors, published } = await openTrail();
    await add(10);
    await trail.check();
    expect(errors).toEqual([]);
    await tamper(
      `begin; delete from audit where account_id = 'acme' and entry > 6;
       update audit_heads set entry = 6, hash = (select hash from audit where account_id = 'acme' and entry = 6) where account_id = 'acme'; commit`,
    );
    await trail.sweep();
    expect(errors[0]).toBe('the chain of an audit does not hold');
    expect(JSON.stringify(published)).toContain('was in it before, and is gone or another');
  });

  for (const { name, sql, entry, why } of [
    { name: 'an entry removed', sql: 'delete from audit where entry = 4', entry: 4, why: 'entry 4 is missing' },
    {
      name: 'an entry changed',
      sql: `update audit set subject = 'user/x' where entry = 4`,
      entry: 4,
      why: 'entry 4 does not say what it said when it was written',
    },
    {
      name: 'data changed',
      sql: `update audit set data = '{' where entry = 4`,
      entry: 4,
      why: 'entry 4 does not say what it said when it was written',
    },
    {
      name: 'its end cut off',
      sql: 'delete from audit where entry > 7',
      entry: 8,
      why: 'entry 8 is missing, and all up to 10',
    },
    {
      name: 'its beginning',
      sql: 'delete from audit where entry < 3',
      entry: 1,
      why: 'entry 1 is missing, and all up to 2',
    },
    { name: 'all of it', sql: 'delete from audit', entry: 1, why: 'entry 1 is missing, and all up to 10' },
    {
      name: 'two entries swapped',
      sql: 'update audit set entry = 99 where entry = 4; update audit set entry = 4 where entry = 5; update audit set entry = 5 where entry = 99',
      entry: 4,
      why: 'entry 4 was written behind another entry 3 than the one that stands there',
    },
  ]) {
    test(`${name}: in the log, as an event, in the metrics and in the chain`, async () => {
      const { trail, add, tamper, errors, published, broken } = await openTrail();
      await add(10);
      await add(2, 'other');
      await tamper(`begin; ${sql.replaceAll(' where', ` where account_id = 'acme' and`)}; commit`);
      if (sql === 'delete from audit') await add(1, 'other');
      await trail.check();
      expect(errors[0]).toBe('the chain of an audit does not hold');
      expect(published.find((event) => (event as string[])[0] === 'acme')).toEqual([
        'acme',
        'audit.broken',
        { entry, why },
      ]);
      expect(trail.faults).toBeGreaterThan(0);
      expect(await broken()).toMatchObject([
        { by: { kind: 'policy', by: 'audit' }, subject: 'account/acme', data: { entry, why } },
      ]);
    });
  }

  test('is found at a sweep, in what was there before, and told once', async () => {
    const { trail, clock, add, tamper, errors, broken } = await openTrail();
    await add(10);
    await trail.check();
    await add(5);
    await trail.sweep();
    await tamper('delete from audit where entry > 12');
    await trail.sweep();
    expect([errors.length, (await broken()).length]).toEqual([1, 1]);
    for (let day = 0; day < 3; day++) {
      await clock.advance(DAY_MS);
      await add(1);
      await trail.sweep();
    }
    expect((await broken()).length).toBe(1);
    expect(errors.length).toBeGreaterThan(1);
  });

  test('is told in the log of each start, and no second time in the chain', async () => {
    const first = await openTrail();
    await first.add(10);
    await first.tamper('delete from audit where entry = 4');
    await first.trail.check();
    await first.close();
    const second = await openTrail(first.path, first.clock);
    await second.trail.check();
    expect([second.errors.length, second.published, (await second.broken()).length]).toEqual([1, [], 1]);
    await second.tamper('delete from audit where entry = 7');
    await second.clock.advance(DAY_MS);
    await second.trail.sweep();
    expect((await second.broken()).map(({ data }) => data.entry)).toEqual([7, 4]);
  });

  test('whose note of its end was taken away with its last entries is found out by its marks', async () => {
    const { trail, store, add, tamper } = await openTrail();
    await add(10);
    const mark = await trail.mark('acme');
    await tamper('delete from audit where entry > 5; delete from audit_heads');
    await trail.check();
    expect(trail.faults).toBe(0);
    expect(await trail.mark('acme')).toMatchObject({ entry: 5 });
    // A manifest that was made meanwhile keeps the mark: an entry of that number is another by then.
    await add(10);
    const [row] = await store.audit.chain('acme', { after: 9, limit: 1 });
    expect([mark?.entry, row?.hash === mark?.hash]).toEqual([10, false]);
  });

  test('that can not be read is told, and keeps no other from being checked', async () => {
    const { trail, store, add, tamper, broken } = await openTrail();
    await add(3, 'acme');
    await add(3, 'zeta');
    await tamper(`delete from audit where account_id = 'zeta' and entry = 2`);
    const chain = store.audit.chain.bind(store.audit);
    store.audit.chain = (accountId, options) =>
      accountId === 'acme' ? Promise.reject(new AppError('STORE_FAILED', 'no')) : chain(accountId, options);
    await expect(trail.check()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await broken('zeta')).toHaveLength(1);
    // It is looked at again, all of it, when it can be.
    await tamper(`update audit set actor = 'x' where account_id = 'acme' and entry = 1`);
    store.audit.chain = chain;
    await trail.sweep();
    expect(await broken('acme')).toHaveLength(1);
  });

  test('is checked no more once the trail is closed', async () => {
    const { trail, add, close } = await openTrail();
    await add(300);
    const check = trail.check();
    await close();
    await check;
    expect(trail.faults).toBe(0);
  });
});
