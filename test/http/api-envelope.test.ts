import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedWorld } from './api-world.ts';

const shared = sharedWorld();
const JSON_FAULT = { json: { invalid: { message: 'All JSON must be valid', target: 'body' } } };
const KEY_FAULT = {
  json: { invalid: { message: 'the keys __proto__ and constructor.prototype are not taken', target: 'body' } },
};

describe('an answer', () => {
  test("has Kazoo's envelope, with what is undefined left out", async () => {
    const { send, admin } = shared();
    const answer = await send('GET', `/v2/accounts/${admin.id}`);
    expect(Object.keys(answer.json).sort()).toEqual(
      ['data', 'node', 'request_id', 'revision', 'status', 'timestamp', 'version'].sort(),
    );
    expect(answer.json).toMatchObject({ status: 'success', version: '0.1.0' });
    expect(answer.json.node).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.json.timestamp).toMatch(/^2026-11-22T\d\d:\d\d:\d\d$/);
    expect(answer.headers['x-request-id']).toBe(answer.json.request_id);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  test("a refusal has Kazoo's error envelope", async () => {
    const { send, admin } = shared();
    const answer = await send('GET', `/v2/accounts/${admin.id}/users/nobody`);
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ data: ['nobody'], error: '404', message: 'bad identifier', status: 'error' });
    expect(Object.keys(answer.json).sort()).toEqual(
      ['data', 'error', 'message', 'node', 'request_id', 'status', 'timestamp', 'version'].sort(),
    );
  });

  test('carries the id that its request brought, when it is one', async () => {
    const { send, admin } = shared();
    const asked = async (id: string) => {
      const headers = { 'x-auth-token': admin.key, 'x-request-id': id };
      return (await send('GET', '/healthz', undefined, { headers })).headers['x-request-id'];
    };
    expect(await asked('trace-1.a_B')).toBe('trace-1.a_B');
    for (const bad of ['', 'a b', '<script>', 'x'.repeat(65)]) expect(await asked(bad)).toMatch(/^[0-9a-f]{32}$/);
  });

  test('of a document has an ETag, and a GET that has it already is 304', async () => {
    const { send, admin } = shared();
    const url = `/v2/accounts/${admin.id}`;
    const { headers, json } = await send('GET', url);
    expect(headers.etag).toBe(`"${json.revision}"`);
    for (const [tag, status] of [
      [headers.etag, 304],
      [`"other", W/${headers.etag}`, 304],
      ['*', 304],
      ['"other"', 200],
    ] as const) {
      const given = { 'x-auth-token': admin.key, 'if-none-match': String(tag) };
      const again = await send('GET', url, undefined, { headers: given });
      expect([tag, again.status, again.text === '']).toEqual([tag, status, status === 304]);
    }
    const changed = await send('PATCH', url, { data: { name: 'other' } });
    expect(changed.json.revision).not.toBe(json.revision);
  });

  test('is not to be stored, guessed at, framed or run, whatever it is', async () => {
    const { send } = shared();
    for (const path of [
      '/v2/account',
      '/v2/nothing',
      '/v2/%ff',
      '/healthz',
      '/openapi.json',
      `/v2/accounts/${'x'.repeat(600)}`,
    ]) {
      const { headers } = await send('GET', path);
      expect([path, headers['x-content-type-options'], headers['x-frame-options']]).toEqual([path, 'nosniff', 'DENY']);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['referrer-policy']).toBe('no-referrer');
    }
    expect((await send('GET', '/v2/account')).headers['cache-control']).toBe('no-store');
  });
});

describe('a body', () => {
  const bodies: readonly (readonly [name: string, body: string, status: number, message: string, data?: unknown])[] = [
    ['no JSON', '{"data":', 400, 'validation error', JSON_FAULT],
    ['JSON and more', '{"data":{}} x', 400, 'validation error', JSON_FAULT],
    ['a key that would change the prototype', '{"data":{"__proto__":{"x":1}}}', 400, 'validation error', KEY_FAULT],
    ['one spelled otherwise', '{"data":{"_\\u005fproto__":{"x":1}}}', 400, 'validation error', KEY_FAULT],
    ["a constructor's prototype", '{"data":{"constructor":{"prototype":{"x":1}}}}', 400, 'validation error', KEY_FAULT],
    ['nothing', '', 400, 'invalid request envelope'],
    ['null', 'null', 400, 'invalid request envelope'],
    ['a list', '[]', 400, 'invalid request envelope'],
    ['a text', '"data"', 400, 'invalid request envelope'],
    ['no data', '{"action":"x"}', 400, 'invalid request envelope'],
    ['data that is no object', '{"data":"x"}', 400, 'invalid request envelope'],
    ['data that is null', '{"data":null}', 400, 'invalid request envelope'],
    ['data that is a list', '{"data":[]}', 400, 'validation error'],
  ];
  for (const [name, body, status, message, data] of bodies) {
    test(`refused: ${name}`, async () => {
      const { send } = shared();
      const answer = await send('PUT', '/v2/account/users', body);
      expect([answer.status, answer.json.message, answer.json.error]).toEqual([status, message, String(status)]);
      if (data !== undefined) expect(answer.json.data).toEqual(data);
      expect(({} as { x?: unknown }).x).toBeUndefined();
    });
  }

  test('nested without end is refused, not walked', async () => {
    const { send } = shared();
    const deep = `{"data":${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}}`;
    const answer = await send('PUT', '/v2/account/users', deep);
    expect([answer.status, answer.json.message]).toEqual([400, 'validation error']);
    expect(answer.json.data.json.invalid.message).toMatch(/deeper than 64 levels/);
  });

  test('of more than 1 MiB is 413, of just that much is taken', async () => {
    const { send } = shared();
    const sized = (bytes: number): string => `{"data":{},"x":"${'y'.repeat(bytes - 18)}"}`;
    expect(Buffer.byteLength(sized(1_048_576))).toBe(1_048_576);
    expect((await send('PUT', '/v2/account/users', sized(1_048_576))).status).toBe(201);
    const answer = await send('PUT', '/v2/account/users', sized(1_048_577));
    expect(answer.json).toMatchObject({ error: '413', message: 'request_too_large', status: 'error' });
  });

  test('of another type is 415, and says what it wants by its status alone', async () => {
    const { send, admin } = shared();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'nonsense',
      'text/json; a',
    ]) {
      const headers = { 'x-auth-token': admin.key, 'content-type': type };
      const answer = await send('PUT', '/v2/account/users', undefined, { headers, payload: '{"data":{}}' });
      expect([type, answer.status, answer.json.status]).toEqual([type, 415, 'error']);
    }
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'application/x-json',
      'APPLICATION/JSON',
    ]) {
      const headers = { 'x-auth-token': admin.key, 'content-type': type };
      const answer = await send('PUT', '/v2/account/users', undefined, { headers, payload: '{"data":{}}' });
      expect([type, answer.status]).toEqual([type, 201]);
    }
  });

  test('named and not sent is none', async () => {
    const { send, admin } = shared();
    const headers = { 'x-auth-token': admin.key, 'content-type': 'application/json' };
    expect((await send('DELETE', '/v2/account/metaflows', undefined, { headers })).status).toBe(200);
  });

  test('of any text never brings the service down', async () => {
    const { send } = shared();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((data) => `{"data":${data}}`),
        ),
        async (body) => {
          const answer = await send('POST', '/v2/account/metaflows', body);
          expect([200, 400]).toContain(answer.status);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a path', () => {
  test('that is unknown is 404', async () => {
    const { send } = shared();
    for (const path of ['/v2', '/v2/nothing', '/v2/account/nothing', '/v1/accounts', '/docs/x']) {
      const answer = await send('GET', path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.json).toMatchObject({ error: '404', message: 'not_found', status: 'error' });
    }
  });

  test('that is no path is refused', async () => {
    const { send } = shared();
    const answer = await send('GET', '/v2/account/users/%ff');
    expect(answer.json).toMatchObject({ error: '400', message: 'faulty request', status: 'error' });
    expect((await send('GET', `/v2/account/users/${'x'.repeat(600)}`)).status).toBe(414);
  });

  test('may end in a slash', async () => {
    const { send } = shared();
    expect((await send('GET', '/v2/account/users/')).status).toBe(200);
  });

  test('does not mind query parameters that mean nothing', async () => {
    const { send } = shared();
    expect((await send('GET', '/v2/account/users?_=1&pretty_print=true&x[y]=z')).status).toBe(200);
  });

  test('known for another method is 405, and says which it has', async () => {
    const { send, admin } = shared();
    for (const [method, path, allow] of [
      ['PUT', '/v2/account/metaflows', 'GET, POST, DELETE, HEAD'],
      ['PATCH', '/v2/account/metaflows', 'GET, POST, DELETE, HEAD'],
      ['GET', '/v2/api_auth', 'PUT'],
      ['POST', '/v2/accounts', 'PUT'],
      ['DELETE', '/v2/account/users', 'GET, PUT, HEAD'],
      ['POST', '/healthz', 'GET, HEAD'],
    ] as const) {
      const answer = await send(method, path, { data: {} });
      expect([path, answer.status, answer.headers.allow]).toEqual([path, 405, allow]);
      expect(answer.json).toMatchObject({ message: 'invalid_method', data: { message: 'method not allowed' } });
    }
    const headers = { 'x-auth-token': admin.key, 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send('PATCH', '/v2/account/metaflows', undefined, { headers, payload: 'x' })).status).toBe(405);
    expect((await send('OPTIONS', '/v2/account')).status).toBe(405);
  });
});

describe('a tunnel', () => {
  test('by ?verb= does what the verb does', async () => {
    const { send } = shared();
    expect((await send('POST', '/v2/account/users/bob?verb=PUT', { data: { name: 'Bob' } })).status).toBe(201);
    expect((await send('POST', '/v2/account/users/bob?verb=patch', { data: { x: 1 } })).json.data.name).toBe('Bob');
    expect((await send('GET', '/v2/account/users/bob?verb=DELETE')).status).toBe(200);
    expect((await send('GET', '/v2/account/users/bob')).status).toBe(404);
  });

  test('by a verb in the body does, too', async () => {
    const { send } = shared();
    const put = await send('POST', '/v2/account/users/bob', { verb: 'PUT', data: { name: 'Bob' } });
    expect([put.status, put.json.data.name]).toEqual([201, 'Bob']);
    expect((await send('POST', '/v2/account/users/bob', { verb: 'get', data: {} })).json.data.name).toBe('Bob');
    expect((await send('POST', '/v2/account/users/bob', { verb: 'POST', data: { name: 'B' } })).json.data.name).toBe(
      'B',
    );
    expect((await send('POST', '/v2/account/users', { verb: 'PUT', data: {} })).status).toBe(201);
    expect((await send('POST', '/v2/account/users/bob', { verb: 'DELETE' })).status).toBe(200);
  });

  test('asks for a key like the verb itself', async () => {
    const { send, admin, other } = shared();
    const tries: readonly (readonly [Record<string, string>, number])[] = [
      [{}, 401],
      [{ 'x-auth-token': other.key }, 403],
    ];
    for (const [headers, status] of tries) {
      const url = `/v2/accounts/${admin.id}/users/bob`;
      expect((await send('POST', `${url}?verb=PUT`, { data: {} }, { headers })).status).toBe(status);
      expect((await send('POST', url, { verb: 'PUT', data: {} }, { headers })).status).toBe(status);
      const list = `/v2/accounts/${admin.id}/users`;
      expect((await send('POST', list, { verb: 'PUT', data: {} }, { headers })).status).toBe(status);
      expect((await send('POST', '/v2/accounts', { verb: 'PUT', data: { name: 'x' } }, { headers })).status).toBe(
        status,
      );
    }
    expect((await send('POST', '/v2/accounts', { verb: 'PUT', data: { name: 'x' } })).status).toBe(201);
    const exchanged = { verb: 'PUT', data: { api_key: admin.key } };
    expect((await send('POST', '/v2/api_auth', exchanged, { headers: {} })).status).toBe(201);
  });

  test('to nowhere is 405', async () => {
    const { send } = shared();
    for (const verb of ['PATCH', 'TRACE', '__proto__', '', 7, null]) {
      const answer = await send('POST', '/v2/account/metaflows', { verb, data: {} });
      expect([verb, answer.status]).toEqual([verb, 405]);
    }
    expect((await send('POST', '/v2/account/metaflows?verb=PUT', { data: {} })).status).toBe(405);
  });
});
