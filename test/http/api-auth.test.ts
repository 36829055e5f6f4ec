import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { makeWorld } from './api-world.ts';

const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const INVALID = {
  error: '401',
  message: 'invalid_credentials',
  status: 'error',
  data: { message: 'invalid credentials' },
};

/** A token of the admin account. */
const tokenOf = async ({ send, admin }: Awaited<ReturnType<typeof makeWorld>>): Promise<string> =>
  (await send('PUT', '/v2/api_auth', { data: { api_key: admin.key } }, { headers: {} })).json.auth_token;

describe('PUT /v2/api_auth', () => {
  test('answers 201 with a token that then opens the account', async () => {
    const { send, admin } = await makeWorld();
    const answer = await send('PUT', '/v2/api_auth', { data: { api_key: admin.key } }, { headers: {} });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({ status: 'success', data: { account_id: admin.id, is_reseller: true } });
    expect(answer.json.auth_token).toMatch(TOKEN);
    expect(answer.headers['x-auth-token']).toBe(answer.json.auth_token);
    const opened = await send('GET', `/v2/accounts/${admin.id}`, undefined, {
      headers: { 'x-auth-token': answer.json.auth_token },
    });
    expect(opened.status).toBe(200);
    expect(opened.json.auth_token).toBe(answer.json.auth_token);
  });

  const refused: readonly (readonly [name: string, body: unknown, status: number, message: string])[] = [
    ['a key that is unknown', { data: { api_key: 'f'.repeat(64) } }, 401, 'invalid_credentials'],
    ['a key of another shape', { data: { api_key: "' OR 1=1 --" } }, 401, 'invalid_credentials'],
    ['no key', { data: {} }, 400, 'validation error'],
    ['a key that is no text', { data: { api_key: 7 } }, 400, 'validation error'],
    ['a misspelt field', { data: { api_keys: 'x' } }, 400, 'validation error'],
    ['restrictions, which would not be kept', { data: { api_key: 'x', restrictions: {} } }, 400, 'validation error'],
    ['no data', { api_key: 'x' }, 400, 'invalid request envelope'],
  ];
  for (const [name, body, status, message] of refused) {
    test(`refuses ${name}`, async () => {
      const { send } = await makeWorld();
      const answer = await send('PUT', '/v2/api_auth', body, { headers: {} });
      expect([answer.status, answer.json.message, answer.json.error]).toEqual([status, message, String(status)]);
      expect(answer.json.auth_token).toBeUndefined();
    });
  }
});

describe('a token', () => {
  test('is taken from a header, the query, a bearer or the body', async () => {
    const world = await makeWorld();
    const { send, admin } = world;
    const token = await tokenOf(world);
    const url = `/v2/accounts/${admin.id}/metaflows`;
    const answers = [
      await send('GET', url, undefined, { headers: { 'x-auth-token': token } }),
      await send('GET', `${url}?auth_token=${token}`, undefined, { headers: {} }),
      await send('GET', url, undefined, { headers: { authorization: `Bearer ${token}` } }),
      await send('POST', url, { data: {}, auth_token: token }, { headers: {} }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.map(({ json }) => json.auth_token)).toEqual([token, token, token, token]);
  });

  test('lives for an hour after its last use', async () => {
    const world = await makeWorld();
    const { send, admin, clock } = world;
    const headers = { 'x-auth-token': await tokenOf(world) };
    const ask = async () => (await send('GET', `/v2/accounts/${admin.id}`, undefined, { headers })).status;
    clock.nowUs += 59 * 60e6;
    expect(await ask()).toBe(200);
    clock.nowUs += 59 * 60e6;
    expect(await ask()).toBe(200);
    clock.nowUs += 61 * 60e6;
    expect(await ask()).toBe(401);
  });

  test('is repeated in the answer, a key is not', async () => {
    const { send, admin } = await makeWorld();
    const answer = await send('GET', `/v2/accounts/${admin.id}`);
    expect(answer.status).toBe(200);
    expect(JSON.stringify([answer.headers, answer.text])).not.toContain(admin.key);
  });
});

describe('without a key that is valid', () => {
  const attempts: readonly (readonly [name: string, headers: Record<string, string>])[] = [
    ['nothing', {}],
    ['a wrong token', { 'x-auth-token': 'x'.repeat(43) }],
    ['an endless one', { 'x-auth-token': 'x'.repeat(10_000) }],
    ['one that is empty', { 'x-auth-token': '' }],
    ['a wrong bearer', { authorization: 'Bearer x' }],
    ['basic authentication', { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }],
  ];
  for (const [name, headers] of attempts) {
    test(`every route below /v2 answers 401: ${name}`, async () => {
      const { send, admin } = await makeWorld();
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['GET', '/users'],
        ['PUT', '/users'],
        ['POST', '/metaflows'],
        ['GET', '/calls'],
        ['PUT', '/calls'],
        ['GET', '/channels'],
        ['GET', '/recordings'],
        ['GET', '/events'],
      ] as const) {
        const answer = await send(method, `/v2/accounts/${admin.id}${path}`, undefined, { headers });
        expect([path, answer.status]).toEqual([path, 401]);
        expect(answer.json).toMatchObject(INVALID);
        expect(answer.json.version).toBeUndefined();
      }
    });
  }

  test('no more is read than may have a token in it', async () => {
    const { send, other } = await makeWorld();
    const body = (bytes: number) => JSON.stringify({ auth_token: other.key, data: { name: 'x'.repeat(bytes) } });
    const url = `/v2/accounts/${other.id}/users`;
    expect((await send('PUT', url, body(100), { headers: {} })).status).toBe(201);
    expect((await send('PUT', url, body(70_000), { headers: {} })).status).toBe(401);
    const headers = { 'content-type': 'application/json' };
    const endless = Readable.from([body(100)]);
    expect((await send('PUT', url, undefined, { headers, payload: endless })).status).toBe(401);
    for (const [method, open] of [
      ['PUT', '/v2/api_auth'],
      ['POST', '/v2/accounts'],
    ] as const) {
      expect((await send(method, open, { data: { api_key: 'x'.repeat(70_000) } }, { headers: {} })).status).toBe(413);
    }
  });

  test('says which scheme it wants, and a failure too many is 429 with the time to wait', async () => {
    const { send, admin, clock } = await makeWorld();
    const url = `/v2/accounts/${admin.id}`;
    const fail = () => send('GET', url, undefined, { headers: { 'x-auth-token': 'wrong' } });
    const first = await fail();
    expect([first.status, first.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    for (let more = 1; more < 10; more++) expect((await fail()).status).toBe(401);
    const limited = await fail();
    expect(limited.json).toMatchObject({ error: '429', message: 'too_many_requests', status: 'error' });
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    const exchanged = await send('PUT', '/v2/api_auth', { data: { api_key: 'f'.repeat(64) } }, { headers: {} });
    expect(exchanged.status).toBe(429);
    clock.nowUs += 60e6;
    expect((await fail()).status).toBe(401);
  });

  test('the failures of one lock out nobody who has a key, not even from the same address', async () => {
    const { send, admin } = await makeWorld();
    const url = `/v2/accounts/${admin.id}`;
    for (let i = 0; i < 30; i++) await send('GET', url, undefined, { headers: { 'x-auth-token': 'wrong' } });
    expect((await send('GET', url)).status).toBe(200);
    expect((await send('PUT', '/v2/api_auth', { data: { api_key: admin.key } }, { headers: {} })).status).toBe(201);
  });
});

describe('an account', () => {
  test('sees itself and no other, whether there is one of that id or not', async () => {
    const { send, admin, other } = await makeWorld();
    const headers = { 'x-auth-token': other.key };
    expect((await send('GET', `/v2/accounts/${other.id}`, undefined, { headers })).status).toBe(200);
    const [taken, free] = [
      await send('GET', `/v2/accounts/${admin.id}`, undefined, { headers }),
      await send('GET', `/v2/accounts/${'0'.repeat(32)}`, undefined, { headers }),
    ];
    for (const answer of [taken, free]) {
      expect(answer.json).toMatchObject({ error: '403', message: 'forbidden', data: { message: 'forbidden' } });
    }
    for (const [method, path] of [
      ['DELETE', ''],
      ['PUT', '/users/x'],
      ['POST', '/metaflows'],
      ['GET', '/recordings'],
      ['GET', '/events'],
    ] as const) {
      const answer = await send(method, `/v2/accounts/${admin.id}${path}`, { data: { name: 'x' } }, { headers });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    expect((await send('GET', `/v2/accounts/${admin.id}`)).json.data.name).toBe('operator');
  });

  test('the admin key opens no other account either', async () => {
    const { send, other } = await makeWorld();
    expect((await send('GET', `/v2/accounts/${other.id}/recordings`)).status).toBe(403);
  });

  for (const id of ['x', 'A'.repeat(32), `${'0'.repeat(31)}%2F`, '..%2f..', '__proto__', '%00']) {
    test(`an id that can be none is 404: ${id}`, async () => {
      const { send } = await makeWorld();
      const answer = await send('GET', `/v2/accounts/${id}/users`);
      expect(answer.json).toMatchObject({ error: '404', message: 'bad identifier' });
      expect(answer.json.data.message).toMatch(/^invalid account_id '/);
    });
  }

  test('/v2/account is whoever asks', async () => {
    const { send, admin, other } = await makeWorld();
    expect((await send('GET', '/v2/account')).json.data.id).toBe(admin.id);
    const headers = { authorization: `Bearer ${other.key}` };
    expect((await send('GET', '/v2/account', undefined, { headers })).json.data.id).toBe(other.id);
    expect((await send('PUT', '/v2/account/users/bob?x=1', { data: {} }, { headers })).status).toBe(201);
    expect((await send('GET', `/v2/accounts/${other.id}/users/bob`, undefined, { headers })).status).toBe(200);
    expect((await send('GET', '/v2/account', undefined, { headers: {} })).status).toBe(401);
    expect((await send('GET', '/v2/accountant')).status).toBe(404);
  });

  test('that is gone opens nothing any more', async () => {
    const { send, other } = await makeWorld();
    const headers = { 'x-auth-token': other.key };
    expect((await send('DELETE', `/v2/accounts/${other.id}`, undefined, { headers })).status).toBe(200);
    expect((await send('GET', `/v2/accounts/${other.id}`, undefined, { headers })).status).toBe(401);
  });
});
