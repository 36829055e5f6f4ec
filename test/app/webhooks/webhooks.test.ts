/** Events to the webhooks of their accounts, over real sockets, with time in the test's hands. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PUBLIC_ONLY } from '../../../src/deliver/allow-list.ts';
import { EVENTS, WEBHOOK_EVENTS } from '../../../src/http/event-catalogue.ts';
import { answer } from '../../deliver/scripted-target.ts';
import { START_US, until } from '../recordings/shelf-kit.ts';
import { openWebhooks, targetOf, type WebhookKit } from './webhook-kit.ts';

const HOUR_MS = 3_600_000;

const listOf = async (kit: WebhookKit, id: string) =>
  (await kit.webhooks.list(id, { pageSize: 100, startKey: undefined })).webhooks.map((each) => ({
    ...each,
    delivery: each.delivery as { state: string; tries: number; status: number | null; circuit: string; host: string },
  }));

const typesSeen = (target: { readonly seen: readonly { readonly body: Buffer }[] }): string[] =>
  target.seen.map(({ body }) => JSON.parse(String(body)).type);

test('an event is sent as …/events has it, signed over time and body, with its id as the key of a repeat', async () => {
  const target = await targetOf(answer(204));
  const kit = await openWebhooks();
  const { id, secret } = await kit.account(`${target.url}/in?token=t0ken`);
  kit.events.publish(id, 'mask.on', { call_id: 'c1', recordings: ['r1'] });
  await until(() => target.seen.length === 1);
  const [seen] = target.seen;
  expect([seen!.method, seen!.url]).toEqual(['POST', '/in?token=t0ken']);
  const body = String(seen!.body);
  expect(JSON.parse(body)).toEqual({
    id: 'run-1',
    type: 'mask.on',
    at: new Date(START_US / 1000).toISOString(),
    data: { call_id: 'c1', recordings: ['r1'] },
  });
  const timestamp = String(START_US / 1e6);
  expect(seen!.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': `${id}-run-1`,
    'x-record-call-account': id,
    'x-record-call-timestamp': timestamp,
    'x-record-call-signature': `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`,
  });
  await until(async () => (await kit.store.webhooks.get(id, 'run-1')) === undefined);
  expect(await listOf(kit, id)).toEqual([]);
  expect(kit.webhooks.counts).toEqual({ waiting: 0, dropped: 0, targetsDown: 0 });
});

test('those and only those that are named so are sent, to the accounts that want them', async () => {
  const target = await targetOf(answer(200));
  const kit = await openWebhooks();
  const { id } = await kit.account(target.url);
  for (const type of Object.keys(EVENTS)) {
    kit.events.publish(id, type, {});
    kit.events.publish('nobody', type, {});
  }
  await until(() => kit.webhooks.counts.waiting === 0 && target.seen.length >= WEBHOOK_EVENTS.length);
  expect(typesSeen(target).sort()).toEqual([...WEBHOOK_EVENTS].sort());
});

test('an account’s events come one by one, in the order in which they happened', async () => {
  let atOnce = 0;
  let most = 0;
  const target = await targetOf(async (request, response, note) => {
    most = Math.max(most, ++atOnce);
    await answer(200)(request, response, note);
    atOnce--;
  });
  const kit = await openWebhooks();
  const { id } = await kit.account(target.url);
  for (let n = 0; n < 20; n++) kit.events.publish(id, n % 2 === 0 ? 'mask.on' : 'mask.off', { n });
  await until(() => target.seen.length === 20);
  expect(target.seen.map(({ body }) => JSON.parse(String(body)).data.n)).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
  expect(most).toBe(1);
});

test('one that is not taken is tried again and holds up no other; a webhook that is down is probed, and told of', async () => {
  const target = await targetOf(answer(500), answer(200));
  const kit = await openWebhooks();
  const { id } = await kit.account(target.url);
  kit.events.publish(id, 'mask.on', {});
  kit.events.publish(id, 'mask.off', {});
  await until(() => target.seen.length === 2);
  await until(async () => (await listOf(kit, id)).length === 1);
  const [waiting] = await listOf(kit, id);
  expect(waiting).toMatchObject({ type: 'mask.on', delivery: { state: 'waiting', tries: 1, status: 500 } });
  kit.clock.advance(1000);
  await until(() => target.seen.length === 3);
  expect(typesSeen(target)).toEqual(['mask.on', 'mask.off', 'mask.on']);

  target.script(answer(503));
  for (let n = 0; n < 50; n++) kit.events.publish(id, 'recording.started', { n });
  await until(() => kit.webhooks.counts.targetsDown === 1);
  await until(async () => (await listOf(kit, id)).length === 50);
  expect(target.seen).toHaveLength(3 + 5);
  const host = `127.0.0.1:${target.port}`;
  expect(kit.told(id).filter(({ type }) => type.startsWith('webhook.'))).toEqual([
    { type: 'webhook.target_down', data: { host } },
  ]);
  expect((await listOf(kit, id))[7]).toMatchObject({ delivery: { circuit: 'open', tries: 0, host } });

  target.script(answer(200));
  kit.clock.advance(15_000);
  await until(() => kit.webhooks.counts.waiting === 0);
  // In their order again, whichever was tried before.
  const order = target.seen.slice(8).map(({ body }) => JSON.parse(String(body)).data.n);
  expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n));
  expect(kit.told(id).at(-1)).toEqual({ type: 'webhook.target_up', data: { host } });
});

describe('an event that is not taken', () => {
  test('for 72 hours has failed: it is told, kept and sent again when somebody asks', async () => {
    const target = await targetOf(answer(500));
    const kit = await openWebhooks();
    const { id } = await kit.account(`${target.url}/secret-path`);
    kit.events.publish(id, 'recording.stored', {});
    await until(() => target.seen.length === 1);
    await until(async () => (await listOf(kit, id))[0]?.delivery.tries === 1);
    kit.clock.advance(72 * HOUR_MS);
    await until(async () => (await listOf(kit, id))[0]?.delivery.state === 'failed');
    expect(kit.told(id).at(-1)).toMatchObject({
      type: 'webhook.failed',
      data: { event_id: 'run-1', event_type: 'recording.stored', tries: 2, status: 500 },
    });
    expect(JSON.stringify([kit.told(id), kit.logged])).not.toContain('secret-path');
    target.script(answer(200));
    expect((await kit.webhooks.deliver(id, 'run-1')).delivery).toMatchObject({ state: 'waiting', tries: 0 });
    await until(async () => (await listOf(kit, id)).length === 0);
  });

  test('because it is refused has failed at once', async () => {
    const target = await targetOf(answer(410));
    const kit = await openWebhooks();
    const { id } = await kit.account(target.url);
    kit.events.publish(id, 'mask.on', {});
    await until(async () => (await listOf(kit, id))[0]?.delivery.state === 'failed');
    expect((await listOf(kit, id))[0]).toMatchObject({ delivery: { tries: 1, status: 410 } });
  });

  test('because its address may not be dialled, by name or after a redirect, has failed at once', async () => {
    const inside = await targetOf(answer(200));
    const kit = await openWebhooks({
      allow: PUBLIC_ONLY,
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    });
    const { id } = await kit.account(`http://hooks.example:${inside.port}/`);
    kit.events.publish(id, 'mask.on', {});
    await until(async () => (await listOf(kit, id))[0]?.delivery.state === 'failed');
    const leading = await targetOf(answer(307, { Location: 'http://169.254.169.254/latest/' }));
    const other = await openWebhooks();
    const { id: otherId } = await other.account(leading.url);
    other.events.publish(otherId, 'mask.on', {});
    await until(async () => (await listOf(other, otherId))[0]?.delivery.state === 'failed');
    expect((await listOf(other, otherId))[0]!.delivery).toMatchObject({ error: expect.stringContaining('public') });
    expect(inside.seen).toEqual([]);
  });

  test('can be dropped, also while it is tried', async () => {
    const target = await targetOf(() => {});
    const kit = await openWebhooks();
    const { id } = await kit.account(target.url);
    kit.events.publish(id, 'mask.on', {});
    await until(async () => (await listOf(kit, id))[0]?.delivery !== undefined && kit.webhooks.counts.waiting === 1);
    expect((await kit.webhooks.drop(id, 'run-1')).id).toBe('run-1');
    expect([await listOf(kit, id), kit.webhooks.counts.waiting]).toEqual([[], 0]);
    await expect(kit.webhooks.drop(id, 'run-1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(kit.webhooks.deliver(id, 'run-1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('after a restart it goes on where it was', async () => {
  const target = await targetOf(answer(503));
  const kit = await openWebhooks();
  const { id } = await kit.account(target.url);
  kit.events.publish(id, 'mask.on', {});
  await until(async () => (await listOf(kit, id))[0]?.delivery.tries === 1);
  await kit.webhooks.close();
  target.script(answer(200));
  kit.clock.advance(1000);
  const again = await openWebhooks({}, kit);
  await until(async () => (await listOf(again, id)).length === 0);
  expect(target.seen.map(({ headers }) => headers['idempotency-key'])).toEqual([`${id}-run-1`, `${id}-run-1`]);
});

describe('an account', () => {
  test('that is removed, or has its webhook removed, ends what waits for it', async () => {
    for (const end of ['account', 'webhook'] as const) {
      const target = await targetOf(answer(503));
      const kit = await openWebhooks();
      const { id } = await kit.account(target.url);
      for (let n = 0; n < 3; n++) kit.events.publish(id, 'mask.on', {});
      await until(() => target.seen.length === 3);
      if (end === 'account') await kit.directory.removeAccount(id);
      else await kit.directory.updateAccount(id, { webhook_url: null });
      await kit.webhooks.settled();
      kit.events.publish(id, 'mask.off', {});
      await kit.webhooks.settled();
      expect([await kit.store.webhooks.page(id, { limit: 9 }), kit.webhooks.counts.waiting]).toEqual([[], 0]);
    }
  });

  test('that names another URL has what waits sent there, at once when the old one was down', async () => {
    const target = await targetOf(answer(503));
    const better = await targetOf(answer(200));
    const kit = await openWebhooks();
    const { id } = await kit.account(target.url);
    for (let n = 0; n < 9; n++) kit.events.publish(id, 'mask.on', { n });
    await until(() => kit.webhooks.counts.targetsDown === 1);
    await kit.directory.updateAccount(id, { webhook_url: better.url });
    await until(() => better.seen.length >= 4);
    kit.clock.advance(16_000);
    await until(() => better.seen.length === 9);
    expect(kit.webhooks.counts.targetsDown).toBe(0);
  });

  test('that sends more than fits loses the newest, which is counted and told to who runs the service', async () => {
    const target = await targetOf(answer(503));
    const kit = await openWebhooks({ mostKept: 10 });
    const { id } = await kit.account(target.url);
    const other = await kit.account(target.url);
    for (let n = 0; n < 25; n++) kit.events.publish(id, 'mask.on', { n });
    kit.events.publish(other.id, 'mask.on', {});
    const { webhooks, dropped } = await kit.webhooks.list(id, { pageSize: 100, startKey: undefined });
    expect([webhooks.map(({ data }) => data.n), dropped]).toEqual([Array.from({ length: 10 }, (_, n) => n), 15]);
    expect([await listOf(kit, other.id), kit.webhooks.counts.dropped]).toEqual([[expect.anything()], 15]);
    expect(kit.logged.filter((line) => line.includes('dropped'))).toHaveLength(1);
  });

  test('whose queue is nearly full of what has failed loses the oldest of those first', async () => {
    const target = await targetOf(answer(404));
    const kit = await openWebhooks({ mostKept: 10 });
    const { id } = await kit.account(target.url);
    for (let n = 0; n < 30; n++) {
      kit.events.publish(id, 'mask.on', { n });
      await until(() => target.seen.length === n + 1);
      await until(async () => (await listOf(kit, id)).at(-1)?.delivery.state === 'failed');
    }
    expect((await listOf(kit, id)).at(-1)!.data).toEqual({ n: 29 });
    expect((await listOf(kit, id)).length).toBeLessThanOrEqual(10);
  });

  test('reads a page at a time', async () => {
    const target = await targetOf(answer(404));
    const kit = await openWebhooks();
    const { id } = await kit.account(target.url);
    for (let n = 0; n < 7; n++) kit.events.publish(id, 'mask.on', { n });
    const read: unknown[] = [];
    let startKey: string | undefined;
    do {
      const page = await kit.webhooks.list(id, { pageSize: 3, startKey });
      read.push(...page.webhooks.map(({ data }) => data.n));
      startKey = page.nextStartKey;
    } while (startKey !== undefined);
    expect(read).toEqual([0, 1, 2, 3, 4, 5, 6]);
    await expect(kit.webhooks.list(id, { pageSize: 3, startKey: 'x' })).rejects.toMatchObject({
      code: 'FIELDS_INVALID',
    });
  });
});

test('one account’s dead webhook holds up no other’s', async () => {
  const dead = await targetOf(() => {});
  const fine = await targetOf(answer(200));
  const kit = await openWebhooks();
  const { id } = await kit.account(dead.url);
  const other = await kit.account(fine.url);
  for (let n = 0; n < 1000; n++) kit.events.publish(id, 'mask.on', {});
  kit.events.publish(other.id, 'mask.on', {});
  await until(() => fine.seen.length === 1);
  await until(() => kit.webhooks.counts.waiting === 1000);
});
