import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import {
  ACCOUNT,
  type ApiUnderTest,
  apiUnderTest,
  CHANNEL,
  KEY_ID,
  OTHER_ACCOUNT,
  OTHER_TOKEN,
  PATH,
} from '../support/api-fakes.ts';

const ONE = `${PATH}/channels/${CHANNEL}`;

let api: ApiUnderTest;

beforeEach(async () => {
  api = await apiUnderTest();
});

const run = (data: unknown) => api.ask('PUT', ONE, { body: { action: 'metaflow', data } });
const recordCall = (data: object) => ({ module: 'record_call', data });

describe('channels', () => {
  test('are listed, of an account, a user, a device', async () => {
    for (const path of ['', '/users/alice', '/devices/desk']) {
      const { status, json } = await api.ask('GET', `${PATH}${path}/channels`);
      expect([status, json.data[0].uuid]).toEqual([200, CHANNEL]);
    }
    expect(api.channels.asked).toEqual([undefined, { userId: 'alice' }, { deviceId: 'desk' }]);
  });

  for (const path of [
    'users/carol',
    'devices/alice',
    'users/..%2falice',
    'users/%2e%2e%2falice',
    `users/${'x'.repeat(65)}`,
  ]) {
    test(`${path.slice(0, 20)} is nobody's`, async () => {
      const { status, json } = await api.ask('GET', `${PATH}/${path}/channels`);
      expect([status, json.message]).toEqual([404, 'bad identifier']);
      expect(api.channels.asked).toEqual([]);
    });
  }

  test('one is found by its id', async () => {
    expect((await api.ask('GET', ONE)).json.data).toMatchObject({ uuid: CHANNEL, leg: 'b', other_leg: 'chan-a' });
  });

  for (const { name, path, token } of [
    { name: 'unknown', path: `${PATH}/channels/nobody` },
    { name: 'no id at all', path: `${PATH}/channels/a%20b` },
    { name: "another account's", path: `/v2/accounts/${OTHER_ACCOUNT}/channels/${CHANNEL}`, token: OTHER_TOKEN },
  ]) {
    test(`${name}: 404 with the id, for every verb`, async () => {
      const id = decodeURIComponent(path.split('/').at(-1)!);
      for (const [method, body] of [
        ['GET', undefined],
        ['PUT', { action: 'metaflow', data: recordCall({ action: 'mask' }) }],
        ['POST', { data: { action: 'mask' } }],
      ] as const) {
        const { status, json } = await api.ask(method, path, { body, ...(token === undefined ? {} : { token }) });
        expect([status, json.message, json.data]).toEqual([404, 'bad identifier', [id]]);
      }
      expect(api.channels.acts).toEqual([]);
    });
  }
});

describe("Kazoo's PUT of a metaflow", () => {
  for (const action of ['start', 'mask', 'unmask', 'stop', 'toggle']) {
    test(`${action} is done and answered as sent, with what came of it`, async () => {
      const { status, json } = await run(recordCall({ action }));
      expect([status, json.status, json.data]).toEqual([201, 'success', 'metaflow sent']);
      expect(json.result).toMatchObject({ action, changed: true, recordings: [{ position_ms: 1234 }] });
      expect(json).not.toHaveProperty('children');
      const fields = { action, dtmf_leg: CHANNEL };
      expect(api.channels.acts).toEqual([{ accountId: ACCOUNT, uuid: CHANNEL, fields, by: KEY_ID }]);
    });
  }

  test('the action may be in data, as Kazoo takes it', async () => {
    const data = { action: 'metaflow', ...recordCall({ action: 'mask' }) };
    expect((await api.ask('PUT', ONE, { data })).json.data).toBe('metaflow sent');
  });

  test('no data is a toggle', async () => {
    await run({ module: 'record_call' });
    expect(api.channels.acts).toMatchObject([{ fields: { action: 'toggle' } }]);
  });

  test('numbers and booleans may be text', async () => {
    await run(recordCall({ action: 'start', record_on_answer: 'false', time_limit: '60' }));
    expect(api.channels.acts).toMatchObject([{ fields: { record_on_answer: false, time_limit: 60 } }]);
  });

  test('a leg named by the client is overwritten', async () => {
    await run(recordCall({ action: 'mask', dtmf_leg: 'somebody-else' }));
    expect(api.channels.acts).toMatchObject([{ fields: { dtmf_leg: CHANNEL } }]);
  });

  test('children are run after it, until one is of a module that is not run here', async () => {
    const deepest = { module: 'say', data: { text: 'x' }, children: { _: recordCall({ action: 'stop' }) } };
    const child = { ...recordCall({ action: 'start' }), children: { _: deepest } };
    const { json } = await run({ ...recordCall({ action: 'mask' }), children: { _: child } });
    expect(json.result.action).toBe('mask');
    expect(json.children).toMatchObject([{ action: 'start' }, { module: 'say', run: false }]);
    expect(api.channels.acts.map(({ fields }) => (fields as { action: string }).action)).toEqual(['mask', 'start']);
  });

  test("another of Kazoo's modules is answered as not run", async () => {
    const { status, json } = await run({ module: 'hangup' });
    expect([status, json.result]).toEqual([201, { module: 'hangup', run: false }]);
  });

  test('what could not be made durable is an error that says so', async () => {
    api.channels.fault = new AppError('MASK_NOT_DURABLE', 'the mask is not on disk; the call is masked');
    const { status, json } = await run(recordCall({ action: 'mask' }));
    expect([status, json.status, json.data.message]).toEqual([
      503,
      'error',
      'the mask is not on disk; the call is masked',
    ]);
  });

  for (const { name, body, faults } of [
    { name: 'no module', body: { data: {} }, faults: ['module'] },
    { name: 'an unknown module', body: { data: { module: 'fly' } }, faults: ['module'] },
    { name: 'a module by number', body: { data: { module: 5 } }, faults: ['module'] },
    { name: 'a list', body: { data: [] }, faults: ['data'] },
    { name: 'data that is text', body: { data: { module: 'record_call', data: 'x' } }, faults: ['data'] },
    { name: 'an unknown action', body: { data: recordCall({ action: 'hush' }) }, faults: ['data.action'] },
    {
      name: 'every fault at once',
      body: {
        data: {
          ...recordCall({ format: 'ogg', time_limit: 'soon' }),
          children: { _: recordCall({ colour: 1 }), 'a.b': { module: 'fly' } },
        },
      },
      faults: ['children._.data.colour', 'children.a%2Eb.module', 'data.format', 'data.time_limit'],
    },
    {
      name: 'a forbidden target, in a child',
      body: { data: { ...recordCall({}), children: { x: recordCall({ url: 'http://[::1]/' }) } } },
      faults: ['children.x.data.url'],
    },
  ]) {
    test(`refused: ${name}`, async () => {
      const { status, json } = await api.ask('PUT', ONE, { body: { action: 'metaflow', ...body } });
      expect([status, json.message]).toEqual([400, 'validation error']);
      expect(Object.keys(json.data).sort()).toEqual(faults);
      expect(api.channels.acts).toEqual([]);
    });
  }

  for (const body of [
    { data: recordCall({ action: 'mask' }) },
    { action: 'transfer', data: recordCall({ action: 'mask' }) },
    { action: 'transfer', data: { action: 'metaflow', ...recordCall({ action: 'mask' }) } },
    { action: ['metaflow'], data: recordCall({ action: 'mask' }) },
  ]) {
    test(`no metaflow: ${JSON.stringify(body).slice(0, 50)}`, async () => {
      const { status, json } = await api.ask('PUT', ONE, { body });
      expect([status, json.message]).toEqual([400, 'invalid data']);
      expect(api.channels.acts).toEqual([]);
    });
  }

  test('as deep as can be sent, it is refused or run, and nothing breaks', async () => {
    const depth = 20_000;
    const node = `${'{"module":"say","children":{"_":'.repeat(depth)}{"module":"say"}${'}}'.repeat(depth)}`;
    const headers = { 'content-type': 'application/json' };
    const body = `{"action":"metaflow","data":${node}}`;
    expect((await api.ask('PUT', ONE, { body, headers })).status).toBe(400);
  });
});

describe('POST of an action', () => {
  for (const { verb, action } of [
    { verb: 'start_record', action: 'start' },
    { verb: 'stop_record', action: 'stop' },
    { verb: 'mask', action: 'mask' },
    { verb: 'unmask', action: 'unmask' },
  ]) {
    test(`${verb} answers what was done`, async () => {
      const { status, json } = await api.ask('POST', ONE, { data: { action: verb } });
      expect(status).toBe(200);
      expect(json.data).toMatchObject({ action, changed: true, masked: action === 'mask', recordings: [{}] });
      expect(api.channels.acts).toEqual([{ accountId: ACCOUNT, uuid: CHANNEL, fields: { action }, by: KEY_ID }]);
    });
  }

  test('record_call fields beside it are passed on', async () => {
    await api.ask('POST', ONE, { data: { action: 'start_record', format: 'wav', time_limit: '60' } });
    expect(api.channels.acts).toMatchObject([{ fields: { action: 'start', format: 'wav', time_limit: 60 } }]);
  });

  for (const data of [{ action: 'transfer' }, { action: 'start' }, { action: '__proto__' }, { action: null }, {}, []]) {
    test(`unknown: ${JSON.stringify(data)}`, async () => {
      const { status, json } = await api.ask('POST', ONE, { data });
      expect([status, json.message]).toEqual([400, 'invalid data']);
    });
  }

  test('what stands beside it is judged', async () => {
    const { status, json } = await api.ask('POST', ONE, { data: { action: 'mask', mask_mode: 'loud', x: 1 } });
    expect([status, Object.keys(json.data).sort()]).toEqual([400, ['mask_mode', 'x']]);
  });

  test('whatever is sent, nothing breaks', async () => {
    const word = fc.oneof(
      fc.constantFrom('mask', 'metaflow', 'record_call', 'start_record', 'constructor'),
      fc.string(),
    );
    const body = fc.record(
      {
        action: fc.oneof(word, fc.jsonValue()),
        data: fc.oneof(
          fc.record(
            { action: word, module: word, data: fc.jsonValue(), children: fc.jsonValue() },
            { requiredKeys: [] },
          ),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('PUT', 'POST'), body, async (method, sent) => {
        const { status, json } = await api.ask(method, ONE, { body: sent });
        expect([200, 201, 400]).toContain(status);
        expect(json.status).toBe(status === 400 ? 'error' : 'success');
      }),
      { numRuns: 200 },
    );
  });
});
