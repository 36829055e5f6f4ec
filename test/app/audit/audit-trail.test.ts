/** The audit as it is kept: in order, behind whoever notes, bounded, over a store that fails, and read back a page at a time. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { AuditTrail } from '../../../src/app/audit/audit-trail.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { AuditNote } from '../../../src/http/audit.ts';
import type { AuditEntry } from '../../../src/store/rows.ts';
import { IN_MEMORY } from '../../../src/store/sqlite-file.ts';
import { Store } from '../../../src/store/store.ts';
import { account } from '../../store/sample-rows.ts';
import { HandClock } from '../../support/hand-clock.ts';

const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;
const DAY_MS = 86_400e3;

const note = (subject: string, more: Partial<AuditNote> = {}): AuditNote => ({
  accountId: 'acme',
  by: { kind: 'api', by: 'key1' },
  action: 'user.change',
  subject,
  ...more,
});

const openTrail = async (mostWaiting = 100) => {
  const store = await Store.open(IN_MEMORY);
  const clock = new HandClock(START_US);
  const logged: { sentence: string; fields: object }[] = [];
  const say = (fields: object, sentence: string): void => void logged.push({ sentence, fields });
  /** What the store answers to an append; undefined: it takes it. */
  const scene = { fault: undefined as Error | undefined, batches: [] as number[] };
  const audit = {
    append: async (...entries: readonly AuditEntry[]): Promise<void> => {
      scene.batches.push(entries.length);
      if (scene.fault !== undefined) throw scene.fault;
      await store.audit.append(...entries);
    },
    page: store.audit.page.bind(store.audit),
    chain: store.audit.chain.bind(store.audit),
    end: store.audit.end.bind(store.audit),
    accounts: store.audit.accounts.bind(store.audit),
    strays: store.audit.strays.bind(store.audit),
    prune: store.audit.prune.bind(store.audit),
  };
  const { accounts, keys } = store;
  const log = { info: say, warn: say, error: say };
  const events = { publish: () => {} };
  const kept = { audit, accounts, keys } as unknown as Store;
  const trail = new AuditTrail({ store: kept, clock, log, events, mostWaiting });
  onTestFinished(async () => {
    await trail.close();
    await store.close();
  });
  for (const [id, isAdmin] of [
    ['acme', false],
    ['operator', true],
  ] as const) {
    await accounts.insert(account({ id, createdUs: START_US }));
    await keys.insert({ id: `key of ${id}`, accountId: id, hash: id, isAdmin, createdUs: START_US });
  }
  const subjects = async (accountId = 'acme') =>
    (await store.audit.page(accountId, { limit: 1000 })).map(({ subject }) => subject).reverse();
  return Object.assign(scene, { store, clock, trail, logged, subjects });
};

const FIRST = { pageSize: 50, startKey: undefined };

describe('the audit trail', () => {
  test('keeps what is noted in order, with its time, and tells it newest first', async () => {
    const { trail, clock } = await openTrail();
    trail.note(note('user/bob', { data: { fields: ['name'] } }));
    await clock.advance(1500);
    trail.note(note('call/c1', { action: 'recording.mask', by: { kind: 'dtmf', leg: 'b' } }));
    trail.note(note('call/c1', { action: 'recording.unmask', by: { kind: 'policy', by: 'mask_max_sec' } }));
    trail.note(note('user/eve', { accountId: 'another' }));
    expect(await trail.page('acme', FIRST)).toEqual({
      entries: [
        {
          at: '2026-01-15T09:30:01.500Z',
          by: { kind: 'policy', by: 'mask_max_sec' },
          action: 'recording.unmask',
          subject: 'call/c1',
          data: {},
          entry: 3,
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        {
          at: '2026-01-15T09:30:01.500Z',
          by: { kind: 'dtmf', leg: 'b' },
          action: 'recording.mask',
          subject: 'call/c1',
          data: {},
          entry: 2,
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        {
          at: '2026-01-15T09:30:00.000Z',
          by: { kind: 'api', by: 'key1' },
          action: 'user.change',
          subject: 'user/bob',
          data: { fields: ['name'] },
          entry: 1,
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      ],
      startKey: expect.any(String),
      nextStartKey: undefined,
    });
  });

  test('writes behind whoever notes: noting asks the store nothing', async () => {
    const { trail, batches, subjects } = await openTrail();
    for (let n = 0; n < 50; n++) trail.note(note(`user/${n}`));
    expect([batches, trail.waiting]).toEqual([[], 50]);
    await trail.page('acme', FIRST);
    expect([batches, trail.waiting]).toEqual([[50], 0]);
    expect(await subjects()).toEqual(Array.from({ length: 50 }, (_, n) => `user/${n}`));
  });

  test('takes thousands at once in statements of a bounded size', async () => {
    const { trail, batches, subjects } = await openTrail(10_000);
    for (let n = 0; n < 5000; n++) trail.note(note(`user/${n}`));
    await trail.close();
    expect(Math.max(...batches)).toBeLessThanOrEqual(100);
    expect(await subjects()).toHaveLength(1000);
    expect(trail.waiting).toBe(0);
  });

  test('pages without a gap or a repeat, whatever is noted meanwhile', async () => {
    const { trail } = await openTrail();
    for (let n = 0; n < 25; n++) trail.note(note(`user/${n}`));
    const seen: string[] = [];
    const starts: string[] = [];
    let startKey: string | undefined;
    do {
      const page = await trail.page('acme', { pageSize: 10, startKey });
      seen.push(...page.entries.map(({ subject }) => subject));
      starts.push(page.startKey);
      expect(startKey ?? page.startKey).toBe(page.startKey);
      startKey = page.nextStartKey;
      trail.note(note('user/late'));
    } while (startKey !== undefined);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `user/${24 - n}`));
    expect(starts).toHaveLength(3);
  });

  for (const startKey of ['', 'x', '12', Buffer.from('1:x').toString('base64url'), 'a'.repeat(2000)]) {
    test(`refuses ${JSON.stringify(startKey.slice(0, 12))} as a start key`, async () => {
      const { trail } = await openTrail();
      await expect(trail.page('acme', { pageSize: 10, startKey })).rejects.toMatchObject({ code: 'FIELDS_INVALID' });
    });
  }

  test("tells nothing of another account's, whatever the start key", async () => {
    const { trail } = await openTrail();
    for (const accountId of ['acme', 'other', 'acme']) trail.note(note('user/x', { accountId }));
    const { startKey } = await trail.page('acme', FIRST);
    expect((await trail.page('other', { pageSize: 10, startKey })).entries).toHaveLength(1);
    expect((await trail.page('third', { pageSize: 10, startKey })).entries).toEqual([]);
  });

  test('forgets what is older than 400 days, at a sweep', async () => {
    const { trail, clock, subjects } = await openTrail();
    trail.note(note('user/old'));
    await clock.advance(399 * DAY_MS);
    trail.note(note('user/young'));
    await trail.page('acme', FIRST);
    await trail.sweep();
    expect(await subjects()).toEqual(['user/old', 'user/young']);
    await clock.advance(2 * DAY_MS);
    await trail.sweep();
    expect(await subjects()).toEqual(['user/young', 'account/acme']);
  });
});

describe('a store that fails', () => {
  const broken = new AppError('STORE_FAILED', 'the disk is full');

  test('is asked again until it answers, logged once, and nothing is lost or out of order', async () => {
    const scene = await openTrail();
    scene.fault = broken;
    for (const subject of ['user/1', 'user/2']) scene.trail.note(note(subject));
    await vi.waitFor(() => expect(scene.clock.sleeping).toBe(1));
    scene.trail.note(note('user/3'));
    // The longest it waits, however often it has failed.
    for (let tries = 2; tries < 12; tries++) {
      const before = scene.batches.length;
      await scene.clock.advance(30_000);
      await vi.waitFor(() => expect(scene.batches.length).toBeGreaterThan(before));
      await vi.waitFor(() => expect(scene.clock.sleeping).toBe(1));
    }
    expect(scene.logged).toMatchObject([
      { sentence: 'the audit can not be written', fields: { code: 'STORE_FAILED' } },
    ]);
    await expect(scene.trail.page('acme', FIRST)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    scene.fault = undefined;
    await scene.clock.advance(30_000);
    await vi.waitFor(async () => expect(await scene.subjects()).toEqual(['user/1', 'user/2', 'user/3']));
    expect((await scene.trail.page('acme', FIRST)).entries).toHaveLength(3);
    expect(scene.logged).toHaveLength(2);
  });

  test('costs the newest notes when too many wait, and the trail then has a gap that says how many', async () => {
    const scene = await openTrail(10);
    scene.fault = broken;
    for (let n = 0; n < 25; n++) scene.trail.note(note(`user/${n}`, { accountId: n % 5 === 4 ? 'other' : 'acme' }));
    expect(scene.trail.waiting).toBe(10);
    await vi.waitFor(() => expect(scene.clock.sleeping).toBe(1));
    scene.fault = undefined;
    await scene.clock.advance(1000);
    await vi.waitFor(() => expect(scene.trail.waiting).toBe(0));
    scene.trail.note(note('user/after'));
    const { entries } = await scene.trail.page('acme', FIRST);
    expect(entries.slice(0, 3)).toMatchObject([
      { subject: 'user/after' },
      {
        action: 'audit.gap',
        by: { kind: 'policy', by: 'audit' },
        data: { entries: 12, since: new Date(START_US / 1000).toISOString() },
      },
      { subject: 'user/8' },
    ]);
    const other = await scene.trail.page('other', FIRST);
    expect(other.entries.map(({ action, data }) => [action, data.entries])).toEqual([
      ['audit.gap', 3],
      ['user.change', undefined],
      ['user.change', undefined],
    ]);
  });

  test('for good costs what it refuses, told by the log and the gap, and the rest goes on', async () => {
    const scene = await openTrail();
    scene.fault = new AppError('CONFLICT', 'not this one');
    scene.trail.note(note('user/1'));
    await vi.waitFor(() => expect(scene.batches).toHaveLength(1));
    scene.fault = undefined;
    scene.trail.note(note('user/2'));
    await vi.waitFor(async () => expect(await scene.subjects()).toEqual(['user/2', 'account/acme']));
    expect((await scene.trail.page('acme', FIRST)).entries[0]).toMatchObject({ action: 'audit.gap' });
    expect(scene.logged[0]).toMatchObject({ fields: { entries: 1, code: 'CONFLICT' } });
  });

  test('does not hold up the end: what can not be written by then is counted in the log', async () => {
    const scene = await openTrail();
    scene.fault = broken;
    for (let n = 0; n < 3; n++) scene.trail.note(note(`user/${n}`));
    await vi.waitFor(() => expect(scene.clock.sleeping).toBe(1));
    await scene.trail.close();
    expect(scene.logged.at(-1)).toMatchObject({ fields: { entries: 3, code: 'STORE_FAILED' } });
    expect(scene.trail.waiting).toBe(0);
    scene.trail.note(note('user/late'));
    await scene.trail.close();
  });
});

describe('requests without a valid key', () => {
  const refusals = async (scene: Awaited<ReturnType<typeof openTrail>>, accountId: string) =>
    (await scene.store.audit.page(accountId, { limit: 100 })).map(({ action, data }) => [action, data.count]);

  test('are counted: one entry for many, at a sweep, with the account whose path it was', async () => {
    const scene = await openTrail();
    for (let n = 0; n < 500; n++) scene.trail.refused('acme');
    expect([scene.trail.refusals, scene.trail.waiting]).toEqual([500, 0]);
    await scene.clock.advance(60_000);
    await scene.trail.sweep();
    expect((await scene.trail.page('acme', FIRST)).entries).toMatchObject([
      {
        at: new Date(START_US / 1000 + 60_000).toISOString(),
        by: { kind: 'policy', by: 'authentication' },
        action: 'key.refuse',
        subject: 'account/acme',
        data: { count: 500, since: new Date(START_US / 1000).toISOString() },
      },
    ]);
    await scene.trail.sweep();
    expect(await refusals(scene, 'acme')).toHaveLength(1);
  });

  test('are there for whoever reads the audit now', async () => {
    const scene = await openTrail();
    scene.trail.refused('acme');
    scene.trail.refused(undefined);
    expect((await scene.trail.page('acme', FIRST)).entries).toMatchObject([
      { action: 'key.refuse', data: { count: 1 } },
    ]);
    expect((await scene.trail.page('operator', FIRST)).entries).toMatchObject([
      { action: 'key.refuse', subject: 'service', data: { count: 1 } },
    ]);
  });

  test('that name no account, or one that is not there, are told to those who have an admin key', async () => {
    const scene = await openTrail();
    for (const accountId of [undefined, 'nobody', 'nobody', 'nothing']) scene.trail.refused(accountId);
    await scene.trail.sweep();
    await scene.trail.page('operator', FIRST);
    expect(await refusals(scene, 'operator')).toEqual([['key.refuse', 4]]);
    for (const accountId of ['nobody', 'nothing', 'acme']) expect(await refusals(scene, accountId)).toEqual([]);
  });

  test('of ever new accounts take no more memory than those of a thousand', async () => {
    const scene = await openTrail();
    for (let n = 0; n < 5000; n++) scene.trail.refused(`made-up-${n}`);
    scene.trail.refused('acme');
    await scene.trail.sweep();
    await scene.trail.page('operator', FIRST);
    expect(await refusals(scene, 'operator')).toEqual([['key.refuse', 5001]]);
    expect(scene.trail.refusals).toBe(5001);
  });

  test('are told at the end too', async () => {
    const scene = await openTrail();
    scene.trail.refused('acme');
    await scene.trail.close();
    expect(await refusals(scene, 'acme')).toEqual([['key.refuse', 1]]);
  });
});
