import { expect, test } from 'vitest';
import { CATALOGUE } from '../../src/core/errors.ts';
import { curlLine } from '../../src/http/docs-curl.ts';
import { operationId } from '../../src/http/operation-id.ts';
import { apiUnderTest } from '../support/api-fakes.ts';

type Reference = { readonly $ref: string };
type Operation = {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Reference | { readonly description: string }>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
};

const ACCOUNT = '/v2/accounts/{accountId}';

const described = async () => {
  const api = await apiUnderTest();
  // The page first: what it is made from must not spoil what is made after it.
  const page = String((await api.ask('GET', '/docs')).raw);
  const { raw, json } = await api.ask('GET', '/openapi.json');
  const operations = Object.entries(json.paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const answer = (path: string, method: string, status: string): string => {
    const { $ref } = json.paths[path][method].responses[status];
    return json.components.responses[$ref.split('/').at(-1)!].description;
  };
  return { page, raw, json, operations, answer };
};

test('every operation has a name of its own', async () => {
  const names = (await described()).operations.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
});

for (const [method, path, name] of [
  ['put', '/v2/api_auth', 'putApiAuth'],
  ['put', '/v2/accounts', 'putAccounts'],
  ['patch', ACCOUNT, 'patchAccount'],
  ['get', `${ACCOUNT}/users`, 'getUsers'],
  ['get', `${ACCOUNT}/users/{userId}`, 'getUser'],
  ['post', `${ACCOUNT}/users/{userId}/metaflows`, 'postUserMetaflows'],
  ['get', `${ACCOUNT}/recordings/jobs/{jobId}`, 'getRecordingsJob'],
  ['get', '/healthz', 'getHealthz'],
] as const)
  test(`${method} ${path} is ${name}`, () => expect(operationId(method, path)).toBe(name));

test('refusals are told by status, with the words that answers have', async () => {
  const { answer, json, operations } = await described();
  expect(answer(`${ACCOUNT}/calls`, 'put', '503')).toMatch(/`calls_full`.*`ports_used_up`.*`disk_low`/s);
  expect(answer(`${ACCOUNT}/calls`, 'put', '409')).toContain('`datastore_conflict`');
  expect(answer(`${ACCOUNT}/calls`, 'put', '400')).toContain('`validation error`');
  expect(answer(`${ACCOUNT}/channels/{uuid}`, 'post', '503')).toMatch(/`mask_not_durable`/);
  expect(answer(`${ACCOUNT}/recordings`, 'get', '416')).toContain('`range not satisfiable`');
  expect(answer('/v2/accounts', 'put', '403')).toContain('`forbidden`');
  expect(answer('/v2/api_auth', 'put', '401')).toContain('`invalid_credentials`');
  const statuses = new Set<string>(Object.values(CATALOGUE).map(({ status }) => String(status)));
  for (const { path, operation } of operations) {
    const refused = Object.keys(operation.responses).filter((status) => !/^[23]/.test(status));
    if (path.startsWith('/v2')) expect(refused).toEqual(expect.arrayContaining(['401', '429', '503']));
    for (const status of refused) expect(statuses).toContain(status);
  }
  expect(JSON.stringify(json)).not.toContain('4XX');
});

test('a change may leave out what is required of a whole', async () => {
  const { json } = await described();
  const bodyOf = (method: string) => {
    const { $ref } = json.paths[ACCOUNT][method].requestBody.content['application/json'].schema.properties.data;
    return json.components.schemas[$ref.split('/').at(-1)!];
  };
  expect(bodyOf('post').required).toEqual(['name']);
  expect(bodyOf('patch').required).toBeUndefined();
});

test('it says where the service is, and is small enough to be read', async () => {
  const { json, raw } = await described();
  expect(json.servers).toEqual([{ url: '/', description: expect.any(String) }]);
  expect(raw.length).toBeLessThan(120_000);
  expect(String(raw).match(/The ETag of a document/g)).toHaveLength(1);
});

test('every body has an example, and every operation a line for the shell', async () => {
  const { operations, page } = await described();
  for (const { method, path, operation } of operations) {
    for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {}))
      if (type === 'application/json') expect([method, path, example]).toEqual([method, path, expect.any(Object)]);
  }
  expect(page.match(/<pre class="curl">curl /g)).toHaveLength(operations.length);
  expect(page).toContain('id="first-call"');
  for (const step of ['api_auth', '/calls', 'send ', '-X DELETE', 'Accept: audio/mpeg'])
    expect(page.slice(page.indexOf('id="first-call"'), page.indexOf('id="authentication"'))).toContain(step);
});

test('calls are described as they are listed: also those that have just ended', async () => {
  const { json } = await described();
  expect(json.paths[`${ACCOUNT}/calls`].get.summary).toMatch(/running, and for a minute those that have ended/);
  expect(json.components.schemas.Call.properties.state.description).toMatch(/`ended`.*minute/);
});

for (const { name, given, want } of [
  {
    name: 'a body and ids',
    given: {
      method: 'post',
      path: `${ACCOUNT}/calls/{callId}`,
      operation: { requestBody: { content: { 'application/json': { example: { data: { note: "it's" } } } } } },
    },
    want: `curl -X POST "$URL/v2/accounts/$ACCOUNT_ID/calls/$CALL_ID" -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' -d '{"data":{"note":"it'\\''s"}}'`,
  },
  {
    name: 'no key',
    given: { method: 'get', path: '/healthz', operation: { security: [] } },
    want: 'curl "$URL/healthz"',
  },
  { name: 'head', given: { method: 'head', path: '/a', operation: { security: [] } }, want: 'curl -I "$URL/a"' },
  {
    name: 'a form',
    given: {
      method: 'put',
      path: '/a',
      operation: { security: [], requestBody: { content: { 'multipart/form-data': {} } } },
    },
    want: `curl -X PUT "$URL/a" -F 'data={"format":"wav"}' -F file=@call.pcap`,
  },
])
  test(`a line for the shell: ${name}`, () => expect(curlLine(given)).toBe(want));
