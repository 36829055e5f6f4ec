import { describe, expect, test } from 'vitest';
import type { WebhookRow } from '../../src/store/rows.ts';
import { account, delivery, NOON_US, openStore, recording } from './sample-rows.ts';

const webhook = (row: Partial<WebhookRow> = {}): WebhookRow => ({
  accountId: 'a1',
  id: 'run-1',
  createdUs: NOON_US,
  body: '{"id":"run-1"}',
  state: 'waiting',
  tries: 0,
  nextUs: NOON_US,
  deadlineUs: NOON_US + 72 * 3_600_000_000,
  lastStatus: null,
  lastError: null,
  ...row,
});

const withAccounts = async () => {
  const store = await openStore();
  for (const id of ['a1', 'a2']) await store.accounts.insert(account({ id }));
  return store;
};

describe('webhooks', () => {
  test('are kept byte for byte, but for those of no account, and each once', async () => {
    const store = await withAccounts();
    const rows = [webhook(), webhook({ id: 'run-2' }), webhook({ accountId: 'gone' }), webhook({ accountId: 'a2' })];
    expect(await store.webhooks.insert(rows)).toEqual([rows[0], rows[1], rows[3]]);
    await store.webhooks.insert([webhook({ body: 'other' })]);
    expect(await store.webhooks.get('a1', 'run-1')).toEqual(webhook());
    expect(await store.webhooks.get('gone', 'run-1')).toBeUndefined();
    expect(await store.webhooks.counts()).toEqual(
      new Map([
        ['a1', 2],
        ['a2', 1],
      ]),
    );
  });

  test('change while they are there, and do not come back', async () => {
    const store = await withAccounts();
    await store.webhooks.insert([webhook()]);
    const failed = webhook({ state: 'failed', tries: 3, lastStatus: 500, lastError: 'busy', nextUs: NOON_US + 7.25 });
    expect(await store.webhooks.update(failed)).toBe(true);
    expect(await store.webhooks.get('a1', 'run-1')).toEqual({ ...failed, nextUs: NOON_US + 7 });
    expect([await store.webhooks.remove('a1', 'run-1'), await store.webhooks.remove('a1', 'run-1')]).toEqual([
      true,
      false,
    ]);
    expect(await store.webhooks.update(failed)).toBe(false);
    expect(await store.webhooks.get('a1', 'run-1')).toBeUndefined();
  });

  test('that wait are read by when they are due, without those of accounts that are left out', async () => {
    const store = await withAccounts();
    await store.webhooks.insert([
      webhook({ id: 'late', nextUs: NOON_US + 9 }),
      webhook({ id: 'soon', nextUs: NOON_US + 1 }),
      webhook({ id: 'failed', state: 'failed' }),
      webhook({ accountId: 'a2', id: 'other' }),
    ]);
    const ids = async (limit: number, except?: string[]) =>
      (await store.webhooks.waiting(limit, except)).map(({ id }) => id);
    expect(await ids(9)).toEqual(['other', 'soon', 'late']);
    expect(await ids(2)).toEqual(['other', 'soon']);
    expect(await ids(9, ['a2'])).toEqual(['soon', 'late']);
  });

  test('of an account are read a page at a time in the order in which they happened', async () => {
    const store = await withAccounts();
    const rows = [3, 1, 2].map((n) => webhook({ id: `run-${n}`, createdUs: NOON_US + n }));
    await store.webhooks.insert([...rows, webhook({ accountId: 'a2' })]);
    const ids = async (limit: number, after?: number) =>
      (await store.webhooks.page('a1', { limit, ...(after === undefined ? {} : { after }) })).map(({ id }) => id);
    expect([await ids(2), await ids(2, NOON_US + 2)]).toEqual([['run-1', 'run-2'], ['run-3']]);
  });

  test('go with their account, with their webhook, or for their age', async () => {
    const store = await withAccounts();
    const failed = [1, 2, 3].map((n) => webhook({ id: `run-${n}`, createdUs: NOON_US + n, state: 'failed' }));
    await store.webhooks.insert([...failed, webhook({ id: 'waits' }), webhook({ accountId: 'a2' })]);
    expect(await store.webhooks.removeOf('a1', 1)).toBe(1);
    expect(await store.webhooks.get('a1', 'run-1')).toBeUndefined();
    expect(await store.webhooks.removeFailedBefore(NOON_US + 3)).toBe(1);
    expect(await store.webhooks.removeOf('a1')).toBe(2);
    expect(await store.webhooks.counts()).toEqual(new Map([['a2', 1]]));
    await store.accounts.remove('a2');
    expect(await store.webhooks.counts()).toEqual(new Map());
  });
});

test('accounts that have a webhook are found', async () => {
  const store = await withAccounts();
  await store.accounts.update('a2', { webhookUrl: 'https://hooks.example/', webhookSecret: 'sealed' });
  expect(await store.accounts.webhooks()).toEqual([
    { id: 'a2', webhookUrl: 'https://hooks.example/', webhookSecret: 'sealed' },
  ]);
});

test('deliveries that are due are read without those of targets that are left out', async () => {
  const store = await openStore();
  for (const id of ['r1', 'r2']) await store.recordings.insert(recording({ id }));
  await store.deliveries.put(delivery({ recordingId: 'r1', target: 'a1 https://down.example' }));
  await store.deliveries.put(delivery({ recordingId: 'r2', target: 'a1 https://fine.example' }));
  const due = async (except?: string[]) =>
    (await store.deliveries.due(NOON_US, 9, except)).map(({ recordingId }) => recordingId);
  expect([await due(), await due(['a1 https://down.example'])]).toEqual([['r1', 'r2'], ['r2']]);
});
