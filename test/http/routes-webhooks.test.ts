import { expect, test } from 'vitest';
import { ACCOUNT, apiUnderTest, EVENT, KEY_ID, OTHER_TOKEN, PATH } from '../support/api-fakes.ts';

test('events that did not arrive are listed a page at a time, and how many did not fit', async () => {
  const { ask, webhooks } = await apiUnderTest();
  const { status, json } = await ask('GET', `${PATH}/webhooks?page_size=5&start_key=16`);
  expect([status, json.page_size, json.next_start_key, json.dropped]).toEqual([200, 1, '17', 3]);
  expect(json.data).toEqual([
    expect.objectContaining({ id: EVENT, type: 'mask.on', delivery: { state: 'failed', tries: 2, status: 500 } }),
  ]);
  expect(webhooks.asked).toEqual([{ accountId: ACCOUNT, pageSize: 5, startKey: '16' }]);
});

test('one is sent again, and that is noted', async () => {
  const { ask, webhooks, audit } = await apiUnderTest();
  const { status, json } = await ask('POST', `${PATH}/webhooks/${EVENT}`, { data: { action: 'deliver' } });
  expect([status, json.data.id, webhooks.delivered]).toEqual([200, EVENT, [EVENT]]);
  expect(audit.notes).toEqual([
    expect.objectContaining({
      accountId: ACCOUNT,
      by: { kind: 'api', by: KEY_ID },
      action: 'webhook.deliver',
      subject: `webhook/${EVENT}`,
    }),
  ]);
});

test('one is dropped, and that is noted', async () => {
  const { ask, webhooks, audit } = await apiUnderTest();
  const { status } = await ask('DELETE', `${PATH}/webhooks/${EVENT}`);
  expect([status, webhooks.dropped, audit.notes.map(({ action }) => action)]).toEqual([200, [EVENT], ['webhook.drop']]);
});

for (const { does, method, path, data, token, want } of [
  { does: 'an unknown event', method: 'DELETE', path: '/webhooks/other', want: 404 },
  { does: 'what can be no id', method: 'DELETE', path: '/webhooks/a%2Fb', want: 404 },
  { does: 'an unknown action', method: 'POST', path: `/webhooks/${EVENT}`, data: { action: 'delete' }, want: 400 },
  { does: 'a page of none', method: 'GET', path: '/webhooks?page_size=0', want: 400 },
  { does: "another account's", method: 'GET', path: '/webhooks', token: OTHER_TOKEN, want: 403 },
] as const)
  test(`refused: ${does}`, async () => {
    const { ask, webhooks } = await apiUnderTest();
    const options = { ...(data === undefined ? {} : { data }), ...(token === undefined ? {} : { token }) };
    expect((await ask(method, `${PATH}${path}`, options)).status).toBe(want);
    expect([webhooks.delivered, webhooks.dropped]).toEqual([[], []]);
  });
