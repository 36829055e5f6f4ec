import { describe, expect, test } from 'vitest';
import { makeWorld, sharedWorld } from './api-world.ts';

const shared = sharedWorld();

const HEX = (digits: number): RegExp => new RegExp(`^[0-9a-f]{${digits}}$`);
const RECORDING = { inbound: { any: { enabled: true, format: 'wav', time_limit: 600 } } };

describe('accounts', () => {
  test('are made with the admin key, which tells their own key once', async () => {
    const { send } = await makeWorld();
    const made = await send('PUT', '/v2/accounts', { data: { name: 'Acme', realm: 'acme.example' } });
    expect(made.status).toBe(201);
    expect(made.json.data).toMatchObject({ name: 'Acme', realm: 'acme.example' });
    const { id, api_key: key } = made.json.data;
    expect([id, key]).toEqual([expect.stringMatching(HEX(32)), expect.stringMatching(HEX(64))]);
    const own = await send('GET', `/v2/accounts/${id}`, undefined, { headers: { 'x-auth-token': key } });
    expect(own.json.data).toMatchObject({ id, name: 'Acme', realm: 'acme.example' });
    expect(own.text).not.toContain(key);
    const theirs = { headers: { 'x-auth-token': key } };
    expect((await send('PUT', '/v2/accounts', { data: { name: 'Sub' } }, theirs)).status).toBe(403);
  });

  for (const [name, data, path] of [
    ['no name', {}, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a name that is no text', { name: 7 }, 'name'],
    ['settings that are wrong', { name: 'Acme', call_recording: { sideways: {} } }, 'call_recording.sideways'],
  ] as const) {
    test(`are not made with ${name}`, async () => {
      const { send, directory } = await makeWorld();
      const answer = await send('PUT', '/v2/accounts', { data });
      expect([answer.status, answer.json.message, Object.keys(answer.json.data)]).toEqual([
        400,
        'validation error',
        [path],
      ]);
      expect((await directory.listAccounts()).map((account) => account.name).sort()).toEqual(['operator', 'somebody']);
    });
  }

  test('are replaced by POST and changed by PATCH, where null removes', async () => {
    const { send } = await shared().tenant();
    const settings = { account: RECORDING };
    const posted = await send('POST', '/v2/account', { data: { name: 'New', call_recording: settings, note: 'x' } });
    expect(posted.json.data).toMatchObject({ name: 'New', call_recording: settings, note: 'x' });
    const patched = await send('PATCH', '/v2/account', { data: { note: null, name: 'Newer' } });
    expect(patched.json.data).toMatchObject({ name: 'Newer', call_recording: settings });
    expect(patched.json.data).not.toHaveProperty('note');
    const replaced = await send('POST', '/v2/account', { data: { name: 'Last' } });
    expect(replaced.json.data).not.toHaveProperty('call_recording');
    expect((await send('PATCH', '/v2/account', { data: [] })).status).toBe(400);
    expect((await send('PATCH', '/v2/account', { data: { name: null } })).status).toBe(400);
  });

  test('hold their targets to what is allowed', async () => {
    const { send } = await shared().tenant();
    const targets = async (url: string) => {
      const settings = { account: { any: { any: { enabled: true, url } } } };
      return send('PATCH', '/v2/account', { data: { call_recording: settings } });
    };
    expect((await targets('http://10.1.2.3/in')).status).toBe(200);
    expect((await targets('https://uploads.example/in')).status).toBe(200);
    const refused = await targets('http://127.0.0.1/in');
    expect(refused.json.data['call_recording.account.any.any.url'].error.message).toBe('invalid client URL');
  });

  test('are removed, the one with the only admin key aside', async () => {
    const { send, other } = await makeWorld();
    const headers = { 'x-auth-token': other.key };
    const removed = await send('DELETE', `/v2/accounts/${other.id}`, undefined, { headers });
    expect([removed.status, removed.json.data.id]).toEqual([200, other.id]);
    const kept = await send('DELETE', '/v2/account');
    expect(kept.json).toMatchObject({ error: '409', message: 'datastore_conflict' });
  });
});

for (const kind of ['users', 'devices'] as const) {
  describe(kind, () => {
    const all = `/v2/account/${kind}`;

    test('are made under a new id, or under one that is given', async () => {
      const { send } = await shared().tenant();
      const made = await send('PUT', all, { data: { name: 'Bob', username: 'bob' } });
      expect([made.status, made.json.data.name]).toEqual([201, 'Bob']);
      expect(made.json.data.id).toMatch(HEX(32));
      const given = await send('PUT', `${all}/alice_1-A`, { data: { id: 'elsewhere' } });
      expect([given.status, given.json.data]).toEqual([201, { id: 'alice_1-A' }]);
      expect((await send('GET', `${all}/alice_1-A`)).json.data).toEqual({ id: 'alice_1-A' });
    });

    test('are replaced by PUT and POST, changed by PATCH, removed by DELETE', async () => {
      const { send } = await shared().tenant();
      await send('PUT', `${all}/bob`, { data: { name: 'Bob', x: 1, call_recording: RECORDING } });
      expect((await send('PUT', `${all}/bob`, { data: { name: 'Robert' } })).json.data).toEqual({
        id: 'bob',
        name: 'Robert',
      });
      const posted = await send('POST', `${all}/bob`, { data: { name: 'Rob', call_recording: RECORDING } });
      expect([posted.status, posted.json.data.call_recording]).toEqual([200, RECORDING]);
      const patched = await send('PATCH', `${all}/bob`, { data: { call_recording: { inbound: null }, y: 2 } });
      expect(patched.json.data).toEqual({ id: 'bob', name: 'Rob', y: 2 });
      const removed = await send('DELETE', `${all}/bob`);
      expect([removed.status, removed.json.data.name]).toEqual([200, 'Rob']);
      expect((await send('GET', `${all}/bob`)).status).toBe(404);
    });

    test('that are unknown are 404 for all but PUT', async () => {
      const { send } = await shared().tenant();
      for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
        const answer = await send(method, `${all}/nobody`, method === 'GET' ? undefined : { data: {} });
        expect([method, answer.status, answer.json.data]).toEqual([method, 404, ['nobody']]);
      }
      expect((await send('GET', all)).json.data).toEqual([]);
    });

    test('are listed by what Kazoo lists of them', async () => {
      const { send } = await shared().tenant();
      await send('PUT', `${all}/b`, { data: { name: 'B', call_recording: RECORDING, note: 'not listed' } });
      await send('PUT', `${all}/a`, { data: { username: 'a' } });
      expect((await send('GET', all)).json.data).toEqual([
        { id: 'a', username: 'a' },
        { id: 'b', name: 'B' },
      ]);
    });

    for (const id of ['..x', 'a b', 'a/b', 'x'.repeat(65), 'ä', '%2e%2e', "'--", '__proto__!']) {
      test(`have no such id: ${id}`, async () => {
        const { send } = await shared().tenant();
        const path = `${all}/${encodeURIComponent(id)}`;
        expect((await send('GET', path)).status).toBe(404);
        expect((await send('PUT', path, { data: {} })).status).toBe(400);
        expect((await send('GET', all)).json.data).toEqual([]);
      });
    }

    for (const [name, data, path, code] of [
      ['a misspelt setting', { call_recording: { inbuond: {} } }, 'call_recording.inbuond', 'additionalProperties'],
      [
        'a misspelt parameter',
        { call_recording: { any: { any: { enable: true } } } },
        'call_recording.any.any.enable',
        'additionalProperties',
      ],
      [
        'text for a number',
        { call_recording: { any: { any: { time_limit: '600' } } } },
        'call_recording.any.any.time_limit',
        'type',
      ],
      ['a number for text', { name: 7 }, 'name', 'type'],
      ['metaflows that are none', { metaflows: { numbers: { 72: {} } } }, 'metaflows.numbers.72.module', 'required'],
    ] as const) {
      test(`are refused with ${name}`, async () => {
        const { send } = await shared().tenant();
        const answer = await send('PUT', `${all}/bob`, { data });
        expect([answer.status, answer.json.message]).toEqual([400, 'validation error']);
        expect(Object.keys(answer.json.data[path] ?? {})).toEqual([code]);
        expect((await send('GET', `${all}/bob`)).status).toBe(404);
      });
    }

    test('keep the metaflows that a PATCH brings, with the defaults filled in', async () => {
      const { send } = await shared().tenant();
      await send('PUT', `${all}/bob`, { data: {} });
      const metaflows = { numbers: { 72: { module: 'record_call', data: { action: 'mask' } } } };
      const patched = await send('PATCH', `${all}/bob`, { data: { metaflows } });
      expect(patched.json.data.metaflows.binding_digit).toBe('*');
      const read = await send('GET', `${all}/bob/metaflows`);
      expect(read.json.data).toEqual(patched.json.data.metaflows);
      await send('PATCH', `${all}/bob`, { data: { metaflows: { numbers: null, binding_digit: null } } });
      expect((await send('GET', `${all}/bob/metaflows`)).json.data).toEqual({});
    });
  });
}

test('a device tells whose it is, and the same id may be a user and a device', async () => {
  const { send } = await shared().tenant();
  await send('PUT', '/v2/account/users/bob', { data: { name: 'Bob' } });
  await send('PUT', '/v2/account/devices/bob', { data: { owner_id: 'bob' } });
  expect((await send('GET', '/v2/account/devices')).json.data).toEqual([{ id: 'bob', owner_id: 'bob' }]);
  expect((await send('GET', '/v2/account/users/bob')).json.data).toEqual({ id: 'bob', name: 'Bob' });
  expect((await send('PUT', '/v2/account/devices/x', { data: { owner_id: '../x' } })).status).toBe(400);
});

test('a device can be no one’s who is not there, but keeps an owner who has gone', async () => {
  const { send } = await shared().tenant();
  const fault = { owner_id: { not_found: { message: 'there is no user of this id', value: 'nobody' } } };
  const put = await send('PUT', '/v2/account/devices/d', { data: { owner_id: 'nobody' } });
  expect([put.status, put.json.data]).toEqual([400, fault]);
  await send('PUT', '/v2/account/users/bob', { data: {} });
  await send('PUT', '/v2/account/devices/d', { data: { owner_id: 'bob' } });
  const patched = await send('PATCH', '/v2/account/devices/d', { data: { owner_id: 'nobody' } });
  expect([patched.status, patched.json.data]).toEqual([400, fault]);
  await send('DELETE', '/v2/account/users/bob');
  expect((await send('PATCH', '/v2/account/devices/d', { data: { name: 'Desk' } })).status).toBe(200);
  expect((await send('POST', '/v2/account/devices/d', { data: { owner_id: 'bob' } })).status).toBe(200);
});
