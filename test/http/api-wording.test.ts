/** What the API says to those who get something wrong, or have just arrived. */
import { expect, test } from 'vitest';
import { sharedWorld } from './api-world.ts';

const shared = sharedWorld();

test('a body that is too large is told the limit', async () => {
  const { send } = shared();
  const large = await send('POST', '/v2/account', `{"data":"${'x'.repeat(1_048_577)}"}`);
  expect([large.status, large.json.data.message]).toEqual([413, expect.stringContaining('1048576 bytes')]);
  const strangers = await send('PUT', '/v2/api_auth', `{"data":"${'x'.repeat(70_000)}"}`);
  expect([strangers.status, strangers.json.data.message]).toEqual([413, expect.stringContaining('65536 bytes')]);
});

for (const body of ['{"data":{"__proto__":{"x":1}}}', '{"data":{"constructor":{"prototype":{"x":1}}}}']) {
  test(`a key that is not taken is told apart from bad JSON: ${body}`, async () => {
    const { status, json } = await shared().send('POST', '/v2/account', body);
    expect([status, json.data.json.invalid.message]).toEqual([
      400,
      'the keys __proto__ and constructor.prototype are not taken',
    ]);
  });
}

test('the root points to the description', async () => {
  const { send } = shared();
  const json = await send('GET', '/', undefined, { headers: {} });
  expect([json.status, json.json]).toEqual([200, { name: 'record-call', docs: '/docs', openapi: '/openapi.json' }]);
  const html = await send('GET', '/', undefined, { headers: { accept: 'text/html,*/*' } });
  expect([html.status, html.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(html.text).toContain('<a href="/docs">');
  expect(html.headers['content-security-policy']).toContain("default-src 'none'");
});

const URL_AND_MORE = { url: 'http://10.0.0.1:9/x', foo: 1, record_sample_rate: 123 };
const FAULTS = ['foo', 'record_sample_rate', 'url'];

for (const { method, path, data, at } of [
  {
    method: 'POST',
    path: '/v2/account/metaflows',
    data: { numbers: { 71: { module: 'record_call', data: URL_AND_MORE } }, listen_on: 'x' },
    at: ['listen_on', ...FAULTS.map((key) => `numbers.71.data.${key}`)],
  },
  {
    method: 'PUT',
    path: '/v2/account/calls',
    data: { record_call: { ...URL_AND_MORE, action: 'stop' }, media: { kind: 'rtp', x: 1 } },
    at: ['media.x', 'record_call.action', ...FAULTS.map((key) => `record_call.${key}`)],
  },
  { method: 'POST', path: '/v2/account/channels/c', data: { action: 'start_record', ...URL_AND_MORE }, at: FAULTS },
  {
    method: 'PATCH',
    path: '/v2/account',
    data: { call_recording: { account: { any: { any: URL_AND_MORE } } } },
    at: FAULTS.map((key) => `call_recording.account.any.any.${key}`),
  },
]) {
  test(`${method} ${path} tells every fault at once, the target too`, async () => {
    const { status, json } = await shared().send(method, path, { data });
    expect([status, Object.keys(json.data).sort()]).toEqual([400, at]);
  });
}
