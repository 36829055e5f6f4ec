import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { account, auditEntry, delivery, key, NOON_US, openStore, person, recording, token } from './sample-rows.ts';

const NESTED = {
  numbers: { 72: { module: 'record_call', data: { action: 'mask' } } },
  ü: '\u0000"',
  ['__proto__']: [1],
};
const SECOND_US = 1_000_000;

const withAccount = async (): Promise<Store> => {
  const store = await openStore();
  await store.accounts.insert(account());
  return store;
};

describe('accounts', () => {
  test('come back as they went, in the order they were made', async () => {
    const store = await openStore();
    const one = account({ id: 'z', metaflows: NESTED, callRecording: { account: {} }, extra: { realm: 'x' } });
    const two = account({ id: 'b', createdUs: NOON_US + 0.25 });
    const three = account({ id: 'c', createdUs: NOON_US - 1 });
    for (const row of [one, two, three]) await store.accounts.insert(row);
    expect(await store.accounts.list()).toEqual([three, { ...two, createdUs: NOON_US }, one]);
    expect(await store.accounts.get('z')).toEqual(one);
    expect(await store.accounts.get("z' or 1=1 --")).toBeUndefined();
  });

  test('are changed in part, or not at all', async () => {
    const store = await withAccount();
    expect(await store.accounts.isEmpty()).toBe(false);
    await store.accounts.update('a1', { metaflows: { a: 1 } });
    await store.accounts.update('a1', { name: 'New', metaflows: null });
    expect(await store.accounts.update('a1', {})).toBe(true);
    expect(await store.accounts.get('a1')).toEqual(account({ name: 'New' }));
  });

  test('removing one removes its people, keys and tokens, and leaves its recordings and everyone else', async () => {
    const store = await withAccount();
    await store.accounts.insert(account({ id: 'a2' }));
    for (const accountId of ['a1', 'a2']) {
      await store.people.put(person({ accountId }));
      await store.keys.insert(key({ accountId, id: `k-${accountId}`, hash: `h-${accountId}` }));
      await store.tokens.insert(token({ accountId, keyId: `k-${accountId}`, hash: `t-${accountId}` }));
    }
    await store.recordings.insert(recording());
    expect(await store.accounts.remove('a1')).toBe(true);
    expect(await store.accounts.remove('a1')).toBe(false);
    expect(await store.people.list('a1', 'user')).toEqual([]);
    expect([await store.keys.byHash('h-a1'), await store.tokens.byHash('t-a1')]).toEqual([undefined, undefined]);
    expect(await store.recordings.get('a1', '202311-1')).toEqual(recording());
    expect(await store.people.list('a2', 'user')).toHaveLength(1);
    expect(await store.tokens.byHash('t-a2')).toBeDefined();
    await store.recordings.insert(recording({ id: 'late' }));
  });
});

describe('people', () => {
  test('are replaced but for when they were made; users and devices have ids of their own', async () => {
    const store = await withAccount();
    await store.people.put(person());
    await store.people.put(person({ kind: 'device', ownerId: 'alice', extra: { sip: {} } }));
    await store.people.put(person({ name: 'Other', metaflows: NESTED, createdUs: NOON_US + SECOND_US }));
    expect(await store.people.list('a1', 'user')).toEqual([person({ name: 'Other', metaflows: NESTED })]);
    expect(await store.people.get('a1', 'device', 'alice')).toEqual(
      person({ kind: 'device', ownerId: 'alice', extra: { sip: {} } }),
    );
    expect(await store.people.get('a2', 'user', 'alice')).toBeUndefined();
    expect(await store.people.remove('a2', 'user', 'alice')).toBe(false);
    expect(await store.people.remove('a1', 'user', 'alice')).toBe(true);
    expect(await store.people.list('a1', 'device')).toHaveLength(1);
  });

  test('are listed by id, and devices by their owner', async () => {
    const store = await withAccount();
    for (const id of ['c', 'a', 'b']) {
      await store.people.put(person({ kind: 'device', id, ownerId: id === 'b' ? null : 'alice' }));
    }
    const ids = async (ownerId?: string) => (await store.people.list('a1', 'device', ownerId)).map(({ id }) => id);
    expect([await ids(), await ids('alice'), await ids('bob')]).toEqual([['a', 'b', 'c'], ['a', 'c'], []]);
  });

  test('nobody is put into an account that is not there', async () => {
    const store = await withAccount();
    await expect(store.people.put(person({ accountId: 'a9' }))).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('keys and tokens', () => {
  test('are found by their hashes; a removed key takes its tokens along', async () => {
    const store = await withAccount();
    await store.keys.insert(key({ isAdmin: true }));
    await store.keys.insert(key({ id: 'k2', hash: 'cc', createdUs: NOON_US - 1 }));
    await store.tokens.insert(token({ isAdmin: true }));
    await store.tokens.insert(token({ hash: 'dd', keyId: 'k2' }));
    expect(await store.keys.byHash('aa')).toEqual(key({ isAdmin: true }));
    expect((await store.keys.ofAccount('a1')).map(({ id }) => id)).toEqual(['k2', 'k1']);
    expect([await store.keys.isAdminElsewhere('a1'), await store.keys.isAdminElsewhere('a2')]).toEqual([false, true]);
    expect(await store.keys.adminAccounts()).toEqual(['a1']);
    expect(await store.keys.remove('a2', 'k1')).toBe(false);
    expect(await store.keys.remove('a1', 'k1')).toBe(true);
    expect(await store.tokens.byHash('bb')).toBeUndefined();
    await store.tokens.removeOfKey('k2');
    expect(await store.tokens.byHash('dd')).toBeUndefined();
    await expect(store.tokens.insert(token())).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.keys.insert(key({ id: 'k3', hash: 'cc' }))).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('a token lives longer by being used, never shorter, and goes when its time is over', async () => {
    const store = await withAccount();
    await store.keys.insert(key());
    await store.tokens.insert(token({ expiresUs: 100 }));
    await store.tokens.insert(token({ hash: 'ee', expiresUs: 100 }));
    await store.tokens.touch('bb', 200.3);
    await store.tokens.touch('bb', 150);
    expect(await store.tokens.byHash('bb')).toEqual(token({ expiresUs: 200 }));
    expect([await store.tokens.removeExpired(99), await store.tokens.removeExpired(100)]).toEqual([0, 1]);
    expect(await store.tokens.byHash('bb')).toBeDefined();
  });
});

describe('recordings and deliveries', () => {
  test('a recording comes back as it went, and changes in part', async () => {
    const store = await openStore();
    const full = recording({
      ownerId: 'alice',
      sampleRate: 8000,
      bytes: 2 ** 40,
      url: 'https://x.example/?a=b',
      masks: [{ start_ms: 1, end_ms: 2, mode: 'silence' }],
      error: { code: 'TARGET_BUSY', message: 'x' },
      document: NESTED,
      channels: 1,
    });
    await store.recordings.insert(full);
    await expect(store.recordings.insert(recording({ accountId: 'a2' }))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await store.recordings.get('a1', full.id)).toEqual(full);
    expect(await store.recordings.get('a2', full.id)).toBeUndefined();
    const patch = { state: 'stored', durationMs: 12.6, error: null, masks: [], document: {} } as const;
    expect(await store.recordings.update(full.id, patch)).toBe(true);
    expect(await store.recordings.update(full.id, {})).toBe(true);
    expect(await store.recordings.update('nothing', patch)).toBe(false);
    expect(await store.recordings.get('a1', full.id)).toEqual({ ...full, ...patch, durationMs: 13 });
    // Not even by a caller that the type checker has not seen.
    await store.recordings.update(full.id, { accountId: 'a2', id: 'x' } as object);
    expect(await store.recordings.get('a1', full.id)).toBeDefined();
  });

  test('the unfinished are told oldest first, the old ones by when they were made', async () => {
    const store = await openStore();
    const states = ['delivered', 'recording', 'stored', 'delivering', 'discarded', 'finalizing', 'failed'] as const;
    for (const [n, state] of states.entries()) {
      await store.recordings.insert(recording({ id: state, state, startUs: NOON_US - n, createdGregorian: 100 + n }));
    }
    expect((await store.recordings.unfinished()).map(({ id }) => id)).toEqual([
      'finalizing',
      'delivering',
      'recording',
    ]);
    const old = async (before: number, limit: number) =>
      (await store.recordings.olderThan(before, limit, ['stored', 'delivered', 'failed'])).map(({ id }) => id);
    expect([await old(102, 9), await old(103, 9), await old(999, 1)]).toEqual([
      ['delivered'],
      ['delivered', 'stored'],
      ['delivered'],
    ]);
  });

  test('a delivery is put again and again, and is due when its time has come', async () => {
    const store = await openStore();
    for (const id of ['r1', 'r2', 'r3', 'r4']) await store.recordings.insert(recording({ id }));
    expect(await store.deliveries.waiting()).toEqual({ count: 0, nextUs: undefined });
    await store.deliveries.put(delivery({ recordingId: 'r1', nextUs: 300 }));
    await store.deliveries.put(delivery({ recordingId: 'r2', nextUs: 100 }));
    await store.deliveries.put(delivery({ recordingId: 'r3', nextUs: 50, state: 'done' }));
    await store.deliveries.put(delivery({ recordingId: 'r4', nextUs: 400 }));
    await store.deliveries.put(
      delivery({ recordingId: 'r1', nextUs: 200.4, tries: 2, lastStatus: 503, lastError: 'busy' }),
    );
    const due = async (nowUs: number, limit = 9) =>
      (await store.deliveries.due(nowUs, limit)).map(({ recordingId }) => recordingId);
    expect([await due(99.9), await due(100), await due(200.9), await due(1e15, 1)]).toEqual([
      [],
      ['r2'],
      ['r2', 'r1'],
      ['r2'],
    ]);
    expect(await store.deliveries.waiting()).toEqual({ count: 3, nextUs: 100 });
    expect(await store.deliveries.get('r1')).toEqual(
      delivery({ recordingId: 'r1', nextUs: 200, tries: 2, lastStatus: 503, lastError: 'busy' }),
    );
    await store.recordings.remove('a1', 'r1');
    expect(await store.deliveries.get('r1')).toBeUndefined();
    expect([await store.deliveries.remove('r2'), await store.deliveries.remove('r2')]).toEqual([true, false]);
    await expect(store.deliveries.put(delivery({ recordingId: 'r1' }))).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('only its own account removes a recording', async () => {
    const store = await openStore();
    await store.recordings.insert(recording());
    expect(await store.recordings.remove('a2', '202311-1')).toBe(false);
    expect(await store.recordings.remove('a1', '202311-1')).toBe(true);
    expect(await store.recordings.remove('a1', '202311-1')).toBe(false);
  });
});

const LINKED = { previous: expect.stringMatching(/^[0-9a-f]{64}$/), hash: expect.stringMatching(/^[0-9a-f]{64}$/) };

describe('the audit', () => {
  test('is read newest first, a page at a time, by account', async () => {
    const store = await openStore();
    for (const n of [1, 2, 3, 4]) await store.audit.append(auditEntry({ atUs: n, subject: `c${n}` }));
    await store.audit.append(auditEntry({ accountId: 'a2', atUs: 9 }));
    const [four, three] = await store.audit.page('a1', { limit: 2 });
    expect([four, three]).toEqual([
      { entry: 4, ...LINKED, ...auditEntry({ atUs: 4, subject: 'c4' }) },
      { entry: 3, ...LINKED, ...auditEntry({ atUs: 3, subject: 'c3' }) },
    ]);
    expect((await store.audit.page('a1', { limit: 9, before: three!.entry })).map(({ atUs }) => atUs)).toEqual([2, 1]);
    expect(await store.audit.prune(3, 10)).toBe(2);
    expect((await store.audit.page('a1', { limit: 9 })).map(({ entry }) => entry)).toEqual([5, 4, 3]);
  });

  test('takes several entries in their order, all of them or none', async () => {
    const store = await openStore();
    const many = Array.from({ length: 200 }, (_, n) => auditEntry({ subject: `c${n}` }));
    await store.audit.append(...many);
    await store.audit.append();
    const unwritable = auditEntry({ subject: null as unknown as string });
    await expect(store.audit.append(auditEntry({ subject: 'c200' }), unwritable)).rejects.toThrow();
    const subjects = (await store.audit.page('a1', { limit: 300 })).map(({ subject }) => subject);
    expect(subjects.reverse()).toEqual(many.map(({ subject }) => subject));
  });
});
