/**
 * The contract with Kazoo's clients (kazoo-contract §5, §8, §12) for accounts, people and metaflows: each route with each of its status
 * codes and the shape of each answer. Then what holds for every route there is, whoever wrote it.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { SIGNING_KEY } from '../support/api-fakes.ts';
import { sharedWorld, type World } from './api-world.ts';

const shared = sharedWorld();
let world: World;
let send: World['send'];
beforeEach(async () => {
  world = shared();
  ({ send } = await world.tenant());
  await send('PUT', '/v2/account/users/bob', { data: {} });
  await send('PUT', '/v2/account/devices/desk', { data: {} });
});

const METAFLOWS = { numbers: { 72: { module: 'record_call', data: { action: 'mask' } } } };
const BAD_METAFLOWS = { numbers: { 72: { module: 'record_call', data: { action: 'hush' } } } };

const FRAME = {
  node: expect.stringMatching(/^[0-9a-f]{32}$/),
  request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
};
const success = (data: unknown) => ({ ...FRAME, data, status: 'success', version: '0.1.0' });
const stored = (data: unknown) => ({ ...success(data), revision: expect.stringMatching(/^[0-9a-f]{32}$/) });
const error = (status: number, message: string, data: unknown) => ({
  ...FRAME,
  data,
  error: String(status),
  message,
  status: 'error',
});
const known = (answer: object) => ({ ...answer, version: '0.1.0' });
/** A 405 asks nobody who they are. */
const METHOD_UNASKED = error(405, 'invalid_method', { message: 'method not allowed' });
const UNKNOWN = known(error(404, 'bad identifier', ['nobody']));
const FORBIDDEN = known(error(403, 'forbidden', { message: 'forbidden' }));
const ENVELOPE = known(error(400, 'invalid request envelope', { message: expect.any(String) }));
const faults = (...paths: string[]) =>
  known(error(400, 'validation error', Object.fromEntries(paths.map((path) => [path, expect.any(Object)]))));
const filled = {
  binding_digit: '*',
  numbers: {
    72: { module: 'record_call', data: { action: 'mask', record_on_answer: false, record_on_bridge: false } },
  },
};

type Row = readonly [method: string, path: string, body: unknown, status: number, answer: object];

const metaflowRows = (path: string): Row[] => [
  ['GET', path, undefined, 200, stored({})],
  ['POST', path, { data: METAFLOWS }, 200, stored(filled)],
  ['POST', path, { data: {} }, 200, stored({ binding_digit: '*' })],
  ['POST', path, { data: BAD_METAFLOWS }, 400, faults('numbers.72.data.action')],
  ['POST', path, METAFLOWS, 400, ENVELOPE],
  ['DELETE', path, undefined, 200, success({})],
  ['PUT', path, { data: METAFLOWS }, 405, METHOD_UNASKED],
  ['PATCH', path, { data: METAFLOWS }, 405, METHOD_UNASKED],
];

const unknownRows = (path: string): Row[] => [
  ['GET', `${path}/metaflows`, undefined, 404, UNKNOWN],
  ['POST', `${path}/metaflows`, { data: METAFLOWS }, 404, UNKNOWN],
  ['DELETE', `${path}/metaflows`, undefined, 404, UNKNOWN],
  ['GET', path, undefined, 404, UNKNOWN],
  ['POST', path, { data: {} }, 404, UNKNOWN],
  ['PATCH', path, { data: {} }, 404, UNKNOWN],
  ['DELETE', path, undefined, 404, UNKNOWN],
];

const personRows = (all: string, id: string): Row[] => [
  ['GET', all, undefined, 200, success([{ id }])],
  ['PUT', all, { data: { name: 'N' } }, 201, stored({ id: expect.any(String), name: 'N' })],
  ['PUT', all, { data: { name: 5 } }, 400, faults('name')],
  ['PUT', `${all}/new`, { data: { name: 'N' } }, 201, stored({ id: 'new', name: 'N' })],
  ['PUT', `${all}/new`, { name: 'N' }, 400, ENVELOPE],
  ['GET', `${all}/${id}`, undefined, 200, stored({ id })],
  ['POST', `${all}/${id}`, { data: { name: 'N' } }, 200, stored({ id, name: 'N' })],
  ['POST', `${all}/${id}`, { data: { metaflows: BAD_METAFLOWS } }, 400, faults('metaflows.numbers.72.data.action')],
  ['PATCH', `${all}/${id}`, { data: { metaflows: METAFLOWS } }, 200, stored({ id, metaflows: filled })],
  ['DELETE', `${all}/${id}`, undefined, 200, success({ id })],
  ['POST', all, { data: {} }, 405, METHOD_UNASKED],
];

const ROWS: readonly Row[] = [
  ...metaflowRows('/v2/account/metaflows'),
  ...metaflowRows('/v2/account/users/bob/metaflows'),
  ...metaflowRows('/v2/account/devices/desk/metaflows'),
  ...unknownRows('/v2/account/users/nobody'),
  ...unknownRows('/v2/account/devices/nobody'),
  ...personRows('/v2/account/users', 'bob'),
  ...personRows('/v2/account/devices', 'desk'),
  ['GET', '/v2/account', undefined, 200, stored({ id: expect.any(String), name: 'tenant' })],
  ['POST', '/v2/account', { data: { name: 'N' } }, 200, stored({ id: expect.any(String), name: 'N' })],
  ['POST', '/v2/account', { data: {} }, 400, faults('name')],
  ['PATCH', '/v2/account', { data: { name: 'N' } }, 200, stored({ id: expect.any(String), name: 'N' })],
  ['DELETE', '/v2/account', undefined, 200, success({ id: expect.any(String), name: 'tenant' })],
  ['PUT', '/v2/accounts', { data: { name: 'N' } }, 403, FORBIDDEN],
  ['GET', '/v2/account/signing_key', undefined, 200, success(SIGNING_KEY)],
  ['PUT', '/v2/account/signing_key', { data: {} }, 405, METHOD_UNASKED],
  [...(['GET', '/v2/account/audit', undefined, 200] as const), { ...success([]), page_size: 0, start_key: '' }],
  ['GET', '/v2/account/audit?format=csv', undefined, 400, faults('format')],
  ['GET', '/v2/account/audit?format=jsonl&page_size=1', undefined, 400, faults('page_size')],
  ['GET', '/v2/accounts/x', undefined, 404, known(error(404, 'bad identifier', { message: "invalid account_id 'x'" }))],
  ['GET', '/v2/accounts/00000000000000000000000000000000', undefined, 403, FORBIDDEN],
  ['GET', '/v2/nowhere', undefined, 404, error(404, 'not_found', { message: 'not found' })],
];

describe("the contract with Kazoo's clients", () => {
  for (const [method, path, body, status, answer] of ROWS) {
    const what = body === undefined ? '' : ` ${JSON.stringify(body).slice(0, 60)}`;
    test(`${method} ${path}${what} is ${status}`, async () => {
      const got = await send(method, path, body);
      expect([got.status, got.json]).toEqual([status, answer]);
    });
  }

  test('the only account that can make others stays', async () => {
    const { status, json } = await world.send('DELETE', '/v2/account');
    expect([status, json]).toEqual([409, known(error(409, 'datastore_conflict', { message: expect.any(String) }))]);
  });

  test('a new account has its id and its key', async () => {
    const { status, json } = await world.send('PUT', '/v2/accounts', { data: { name: 'N' } });
    const data = { id: expect.any(String), name: 'N', api_key: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect([status, json]).toEqual([201, stored(data)]);
  });

  test('a token comes with the account that it opens', async () => {
    const body = { data: { api_key: world.admin.key } };
    const { status, json } = await world.send('PUT', '/v2/api_auth', body, { headers: {} });
    const { id } = world.admin;
    const data = { account_id: id, reseller_id: id, is_reseller: true, language: 'en-us', apps: [] };
    expect([status, json]).toEqual([201, { ...success(data), auth_token: expect.stringMatching(/^[\w-]{43}$/) }]);
  });
});

type Operation = { security?: object[]; requestBody?: { content: Record<string, unknown> } };

/** Every operation of the description, at a path that can be asked for. */
const operations = async (): Promise<{ method: string; path: string; operation: Operation }[]> => {
  const { json } = await world.send('GET', '/openapi.json');
  return Object.entries(json.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
};

/** @param accountId in place of the account; all other ids are made up */
const at = (path: string, accountId: string): string =>
  path.replace('{accountId}', accountId).replace(/\{\w+\}/g, '202611-0123456789abcdef0123456789abcdef');

describe('every route', () => {
  test('asks for a key, those aside that say they need none', async () => {
    const open: string[] = [];
    for (const { method, path, operation } of await operations()) {
      world.clock.nowUs += 60e6;
      const answer = await world.send(method, at(path, world.admin.id), undefined, { headers: {} });
      if (operation.security?.length === 0) open.push(`${method} ${path}`);
      else expect([method, path, answer.status]).toEqual([method, path, 401]);
    }
    expect(open.sort()).toEqual(['GET /healthz', 'GET /readyz', 'PUT /v2/api_auth']);
  });

  test("asks for it when it is reached by another verb's", async () => {
    for (const { path } of await operations()) {
      for (const verb of ['GET', 'PUT', 'PATCH', 'DELETE']) {
        world.clock.nowUs += 60e6;
        const answer = await world.send('POST', at(path, world.admin.id), { verb, data: {} }, { headers: {} });
        if (path === '/healthz' || path === '/readyz' || path === '/v2/api_auth') continue;
        expect([verb, path, [401, 405].includes(answer.status), answer.status]).toEqual([
          verb,
          path,
          true,
          answer.status,
        ]);
      }
    }
  });

  test("is closed to another account's key", async () => {
    const headers = { 'x-auth-token': world.other.key };
    for (const { method, path } of (await operations()).filter((each) => each.path.includes('{accountId}'))) {
      const answer = await world.send(method, at(path, world.admin.id), undefined, { headers });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
  });

  test('refuses what is no JSON, what has no data, and what is too large', async () => {
    const bodies = (await operations()).filter(({ operation }) => operation.requestBody?.content['application/json']);
    expect(bodies.length).toBeGreaterThan(15);
    for (const { method, path } of bodies) {
      const url = at(path, world.admin.id);
      const statuses = [
        (await world.send(method, url, '{"data":')).status,
        (await world.send(method, url, { x: 1 })).status,
        (await world.send(method, url, `"${'x'.repeat(1_100_000)}"`)).status,
      ];
      expect([method, path, statuses]).toEqual([method, path, [400, 400, 413]]);
    }
  });

  test('answers 405 to every method that it does not have', async () => {
    const all = await operations();
    for (const path of new Set(all.map((each) => each.path))) {
      const has = all.filter((each) => each.path === path).map(({ method }) => method);
      for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].filter((each) => !has.includes(each))) {
        const answer = await world.send(method, at(path, world.admin.id));
        expect([method, path, answer.json]).toEqual([method, path, METHOD_UNASKED]);
      }
    }
  });
});
