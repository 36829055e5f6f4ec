import { beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNT, type ApiUnderTest, apiUnderTest, OTHER_ACCOUNT, OTHER_TOKEN, PATH } from '../support/api-fakes.ts';

const AUDIT = `${PATH}/audit`;
const ENTRY = {
  at: '2026-11-22T00:00:00.000Z',
  by: { kind: 'dtmf', leg: 'b' },
  action: 'recording.mask',
  subject: 'call/c1',
  data: { changed: true, masked: true, recordings: [] },
} as const;

let api: ApiUnderTest;

beforeEach(async () => {
  api = await apiUnderTest();
});

describe('the audit', () => {
  test('is a page of entries in the envelope of a list', async () => {
    api.audit.answer = { entries: [ENTRY], startKey: 's1', nextStartKey: 's2' };
    const { status, json } = await api.ask('GET', AUDIT);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: 'success',
      data: [ENTRY],
      page_size: 1,
      start_key: 's1',
      next_start_key: 's2',
    });
    expect(api.audit.asked).toEqual([{ accountId: ACCOUNT, pageSize: 50, startKey: undefined }]);
  });

  test('has no next page after the last', async () => {
    const { json } = await api.ask('GET', AUDIT);
    expect([json.data, json.page_size]).toEqual([[], 0]);
    expect(json).not.toHaveProperty('next_start_key');
  });

  test('goes on where a page ended, with as many as are asked for', async () => {
    await api.ask('GET', `${AUDIT}?page_size=1000&start_key=s2`);
    expect(api.audit.asked).toEqual([{ accountId: ACCOUNT, pageSize: 1000, startKey: 's2' }]);
  });

  for (const [query, fault] of [
    ['page_size=0', 'page_size'],
    ['page_size=1001', 'page_size'],
    ['page_size=many', 'page_size'],
    ['start_key=a&start_key=b', 'start_key'],
    ['action=mask', 'action'],
  ] as const) {
    test(`?${query} is refused`, async () => {
      const { status, json } = await api.ask('GET', `${AUDIT}?${query}`);
      expect([status, Object.keys(json.data)]).toEqual([400, [fault]]);
      expect(api.audit.asked).toEqual([]);
    });
  }

  test('is the own account’s alone, and nobody writes it', async () => {
    expect((await api.ask('GET', AUDIT, { token: OTHER_TOKEN })).status).toBe(403);
    await api.ask('GET', `/v2/accounts/${OTHER_ACCOUNT}/audit`, { token: OTHER_TOKEN });
    expect(api.audit.asked).toMatchObject([{ accountId: OTHER_ACCOUNT }]);
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'])
      expect([method, (await api.ask(method, AUDIT, { data: {} })).status]).toEqual([method, 405]);
  });
});
