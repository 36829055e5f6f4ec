import { describe, expect, test } from 'vitest';
import { makeWorld, STUBS } from './api-world.ts';

describe('the health of the service', () => {
  test('/healthz answers without a key', async () => {
    const { send } = await makeWorld();
    const answer = await send('GET', '/healthz', undefined, { headers: {} });
    expect([answer.status, answer.json]).toEqual([200, { status: 'ok' }]);
  });

  test('/readyz says what keeps it from taking calls', async () => {
    const reasons: string[] = [];
    const { send } = await makeWorld({ health: { ...STUBS.health, readiness: () => reasons } });
    const ask = () => send('GET', '/readyz', undefined, { headers: {} });
    expect([(await ask()).status, (await ask()).json]).toEqual([200, { status: 'ready' }]);
    reasons.push('disk nearly full');
    expect([(await ask()).status, (await ask()).json]).toEqual([503, { status: 'unready', reasons }]);
  });

  test('/metrics is for the admin key', async () => {
    const { send, admin, other } = await makeWorld();
    const ask = (headers: Record<string, string>) => send('GET', '/metrics', undefined, { headers });
    const answer = await ask({ authorization: `Bearer ${admin.key}` });
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([
      200,
      'text/plain; version=0.0.4',
      'calls 0\n',
    ]);
    expect((await ask({ authorization: `Bearer ${other.key}` })).status).toBe(403);
    expect((await ask({})).status).toBe(401);
  });
});

describe('the description', () => {
  test('is OpenAPI 3.1 with every route, each with a summary, a tag and its answers', async () => {
    const { send } = await makeWorld();
    const { status, json } = await send('GET', '/openapi.json', undefined, { headers: {} });
    expect([status, json.openapi]).toEqual([200, '3.1.0']);
    const paths = json.paths as Record<string, Record<string, Record<string, unknown>>>;
    const account = '/v2/accounts/{accountId}';
    const known: readonly (readonly [path: string, methods: readonly string[]])[] = [
      ['/v2/api_auth', ['put']],
      ['/v2/accounts', ['put']],
      [account, ['get', 'post', 'patch', 'delete']],
      ...['', '/users/{userId}', '/devices/{deviceId}'].map(
        (scope) => [`${account}${scope}/metaflows`, ['get', 'post', 'delete']] as const,
      ),
      ...(['user', 'device'] as const).flatMap((kind) => [
        [`${account}/${kind}s`, ['get', 'put']] as const,
        [`${account}/${kind}s/{${kind}Id}`, ['get', 'put', 'post', 'patch', 'delete']] as const,
      ]),
      [`${account}/calls`, ['get', 'put']],
      [`${account}/channels/{uuid}`, ['get', 'put', 'post']],
      [`${account}/recordings`, ['get', 'put']],
      [`${account}/events`, ['get']],
      ['/healthz', ['get']],
      ['/readyz', ['get']],
      ['/metrics', ['get']],
    ];
    for (const [path, methods] of known) {
      expect([path, Object.keys(paths[path] ?? {}).sort()]).toEqual([path, [...methods].sort()]);
    }
    const tags = (json.tags as { name: string }[]).map(({ name }) => name);
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const where = `${method} ${path}`;
        expect([where, operation.summary]).toEqual([where, expect.any(String)]);
        expect([where, operation.tags]).toEqual([where, [expect.toSatisfy((tag: string) => tags.includes(tag))]]);
        expect([where, Object.keys(operation.responses as object)]).toEqual([
          where,
          expect.arrayContaining([expect.stringMatching(/^20\d$/)]),
        ]);
      }
    }
    expect(paths['/v2/api_auth']?.put?.security).toEqual([]);
    expect(paths['/healthz']?.get?.security).toEqual([]);
    expect(paths['/metrics']?.get?.security).toBeUndefined();
  });

  test('refers to nothing that it does not hold', async () => {
    const { send } = await makeWorld();
    const { text, json } = await send('GET', '/openapi.json', undefined, { headers: {} });
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to!);
    expect(references.length).toBeGreaterThan(10);
    for (const to of new Set(references)) {
      const [root, ...keys] = to.split('/');
      const target = keys.reduce<Record<string, unknown> | undefined>((node, key) => node?.[key] as never, json);
      expect([to, root, target]).toEqual([to, '#', expect.any(Object)]);
    }
  });

  test('has a page that needs nothing else and shows every operation', async () => {
    const { send } = await makeWorld();
    const [page, { json }] = [
      await send('GET', '/docs', undefined, { headers: {} }),
      await send('GET', '/openapi.json', undefined, { headers: {} }),
    ];
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'/);
    for (const path of Object.keys(json.paths)) expect(page.text).toContain(`<code>${path}</code>`);
    expect(page.text.match(/<details>/g)?.length).toBe(
      Object.values(json.paths as object).flatMap((operations) => Object.keys(operations)).length,
    );
    expect(page.text).not.toMatch(/<script|src=|https?:\/\/(?!uploads\.example)/);
  });
});

describe('the log', () => {
  test('has a line per request that names the route, and nothing that was in the request', async () => {
    const { send, admin, log } = await makeWorld();
    const { json } = await send('PUT', '/v2/api_auth', { data: { api_key: admin.key } }, { headers: {} });
    const token = json.auth_token;
    const secrets = [
      admin.key,
      token,
      'nobody-special',
      '4111111111111111',
      'wrong-token-of-43-characters-xxxxxxxxxxxxx',
    ];
    await send('GET', `/v2/account/users/nobody-special?auth_token=${token}&card=4111111111111111`, undefined, {
      headers: {},
    });
    await send('PUT', '/v2/account/users/nobody-special', { data: { name: '4111111111111111' } });
    await send('GET', '/v2/4111111111111111');
    await send('GET', '/v2/account/users/%ff4111111111111111');
    await send('POST', '/v2/account/metaflows', '{"data":4111111111111111');
    await send('GET', '/v2/account', undefined, { headers: { 'x-auth-token': secrets[4]! } });
    const lines = log.map((line) => JSON.parse(line));
    expect(lines.filter(({ msg }) => msg === 'request')).toMatchObject([
      { method: 'PUT', route: '/v2/api_auth', status: 201, accountId: admin.id },
      { method: 'GET', route: '/v2/accounts/:accountId/users/:userId', status: 404, refusal: 'NOT_FOUND' },
      { method: 'PUT', route: '/v2/accounts/:accountId/users/:userId', status: 201 },
      { method: 'GET', status: 404 },
      { method: 'GET', status: 400, refusal: 'FST_ERR_BAD_URL' },
      { method: 'POST', route: '/v2/accounts/:accountId/metaflows', status: 400, refusal: 'FIELDS_INVALID' },
      { method: 'GET', route: '/v2/accounts/:accountId', status: 401, refusal: 'UNAUTHENTICATED' },
    ]);
    for (const secret of secrets) expect(log.join('')).not.toContain(secret);
    expect(lines.every(({ reqId }) => reqId !== undefined)).toBe(true);
  });

  test('has what went wrong inside, which the answer has not', async () => {
    const calls = {
      ...STUBS.calls,
      list: () => {
        throw new Error('the inside of it');
      },
    };
    const { send, log } = await makeWorld({ calls });
    const answer = await send('GET', '/v2/account/calls');
    expect([answer.status, answer.json.message]).toEqual([500, 'unexpected error']);
    expect(answer.text).not.toContain('inside of it');
    const line = log.map((each) => JSON.parse(each)).find(({ err }) => err !== undefined);
    expect(line).toMatchObject({ level: 50, reqId: answer.json.request_id, err: { message: 'the inside of it' } });
  });

  test('redacts what other code logs of a request by mistake', async () => {
    const { app, log } = await makeWorld();
    app.log.info({ headers: { authorization: 'Bearer abc-secret', 'x-auth-token': 'abc-secret' } }, 'by mistake');
    app.log.info({ body: { auth_token: 'abc-secret', data: { api_key: 'abc-secret' } } }, 'by mistake');
    app.log.info({ api_key: 'abc-secret', query: { auth_token: 'abc-secret' } }, 'by mistake');
    expect(log.filter((line) => line.includes('by mistake'))).toHaveLength(3);
    expect(log.join('')).not.toContain('abc-secret');
  });
});
