import { beforeEach, describe, expect, test } from 'vitest';
import { sharedWorld, type World } from './api-world.ts';

const FOUR = {
  numbers: {
    71: { module: 'record_call', data: { action: 'start' } },
    72: { module: 'record_call', data: { action: 'mask' } },
    73: { module: 'record_call', data: { action: 'unmask' } },
    74: { module: 'record_call', data: { action: 'stop' } },
  },
};
const filled = (action: string) => ({
  module: 'record_call',
  data: { action, record_on_answer: false, record_on_bridge: false },
});
/** kazoo-contract §5's example of an answer. */
const FILLED = {
  binding_digit: '*',
  numbers: { 71: filled('start'), 72: filled('mask'), 73: filled('unmask'), 74: filled('stop') },
};

const shared = sharedWorld();
let world: Pick<World, 'send'>;
beforeEach(async () => {
  world = await shared().tenant();
  await world.send('PUT', '/v2/account/users/bob', { data: {} });
  await world.send('PUT', '/v2/account/devices/desk', { data: {} });
});

for (const [whose, path] of [
  ['an account', '/v2/account/metaflows'],
  ['a user', '/v2/account/users/bob/metaflows'],
  ['a device', '/v2/account/devices/desk/metaflows'],
] as const) {
  describe(`metaflows of ${whose}`, () => {
    test('are {} until there are some, then as stored, then {} again', async () => {
      const { send } = world;
      expect((await send('GET', path)).json.data).toEqual({});
      const posted = await send('POST', path, { data: FOUR });
      expect([posted.status, posted.json.data]).toEqual([200, FILLED]);
      const read = await send('GET', path);
      expect([read.status, read.json.data, read.json.revision]).toEqual([200, FILLED, posted.json.revision]);
      const removed = await send('DELETE', path);
      expect([removed.status, removed.json.data]).toEqual([200, {}]);
      expect((await send('GET', path)).json.data).toEqual({});
      expect((await send('DELETE', path)).status).toBe(200);
    });

    test('are replaced as a whole', async () => {
      const { send } = world;
      await send('POST', path, { data: FOUR });
      const posted = await send('POST', path, { data: { binding_digit: '#', mine: 1 } });
      expect(posted.json.data).toEqual({ binding_digit: '#', mine: 1 });
      expect((await send('GET', path)).json.data).toEqual({ binding_digit: '#', mine: 1 });
    });

    test('have no PUT and no PATCH', async () => {
      const { send } = world;
      for (const method of ['PUT', 'PATCH']) {
        const answer = await send(method, path, { data: FOUR });
        expect([answer.status, answer.json.message]).toEqual([405, 'invalid_method']);
      }
    });

    test("change nobody else's", async () => {
      const { send } = world;
      await send('POST', path, { data: FOUR });
      const owners = ['/v2/account', '/v2/account/users/bob', '/v2/account/devices/desk'];
      const found = await Promise.all(owners.map(async (owner) => (await send('GET', `${owner}/metaflows`)).json.data));
      expect(found.filter((data) => Object.keys(data).length > 0)).toEqual([FILLED]);
      expect(path.replace('/metaflows', '')).toBe(owners[found.findIndex((data) => Object.keys(data).length > 0)]);
    });
  });
}

describe('metaflows', () => {
  for (const kind of ['users', 'devices']) {
    test(`of unknown ${kind} are 404, and the account's stay as they are`, async () => {
      const { send } = world;
      await send('POST', '/v2/account/metaflows', { data: FOUR });
      for (const method of ['GET', 'POST', 'DELETE']) {
        const body = method === 'POST' ? { data: {} } : undefined;
        const answer = await send(method, `/v2/account/${kind}/nobody/metaflows`, body);
        expect([method, answer.status, answer.json.message]).toEqual([method, 404, 'bad identifier']);
      }
      expect((await send('GET', '/v2/account/metaflows')).json.data).toEqual(FILLED);
    });
  }

  test('may spell numbers and booleans as text, in nodes and beside them, as Kazoo takes them', async () => {
    const { send } = world;
    const data = {
      digit_timeout: '1200',
      numbers: { 71: { module: 'record_call', data: { time_limit: '600', record_on_answer: 'true' } } },
    };
    const posted = await send('POST', '/v2/account/metaflows', { data });
    expect(posted.json.data).toMatchObject({
      digit_timeout: 1200,
      numbers: { 71: { data: { action: 'toggle', time_limit: 600, record_on_answer: true } } },
    });
  });

  test("are refused with every fault by its path, in Kazoo's words", async () => {
    const { send } = world;
    const data = {
      binding_digit: '**',
      numbers: {
        7: { module: 'record_call', data: { action: 'hush', tme_limit: 5, time_limit: 'soon' } },
        8: { module: 'record_cal' },
        '9a': { module: 'hangup' },
      },
      patterns: { '^(1.2': { module: 'hangup' } },
    };
    const answer = await send('POST', '/v2/account/metaflows', { data });
    expect(answer.json).toMatchObject({ error: '400', message: 'validation error', status: 'error' });
    expect(answer.json.data['numbers.7.data.action']).toEqual({
      enum: {
        message: 'Value not found in enumerated list of values',
        target: ['mask', 'unmask', 'start', 'stop', 'toggle'],
        value: 'hush',
      },
    });
    expect(
      Object.entries(answer.json.data as Record<string, object>)
        .map(([path, codes]) => `${path} ${Object.keys(codes)}`)
        .sort(),
    ).toEqual([
      'binding_digit enum',
      'numbers.7.data.action enum',
      'numbers.7.data.time_limit type',
      'numbers.7.data.tme_limit additionalProperties',
      'numbers.8.module error',
      'numbers.9a additionalProperties',
      'patterns.^(1%2E2 error',
    ]);
    expect((await send('GET', '/v2/account/metaflows')).json.data).toEqual({});
  });

  test('may not send recordings to an address that is not allowed, however deep', async () => {
    const { send } = world;
    const start = (url: string) => ({ module: 'record_call', data: { action: 'start', url } });
    const data = {
      numbers: {
        1: start('http://10.1.2.3/in'),
        2: { module: 'say', children: { _: start('http://169.254.169.254/') } },
      },
      patterns: { '^3': start('http://localhost/in') },
    };
    const answer = await send('POST', '/v2/account/metaflows', { data });
    expect(Object.keys(answer.json.data).sort()).toEqual(['numbers.2.children._.data.url', 'patterns.^3.data.url']);
    expect(answer.json.data['patterns.^3.data.url'].error.message).toBe('invalid client URL');
  });

  test('are taken bare of a second envelope', async () => {
    const { send } = world;
    const answer = await send('POST', '/v2/account/metaflows', { data: { data: FOUR } });
    expect(answer.json.data).toEqual({ binding_digit: '*', data: FOUR });
    expect((await send('POST', '/v2/account/metaflows', { data: [] })).status).toBe(400);
  });
});
