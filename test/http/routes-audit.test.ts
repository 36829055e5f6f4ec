import { beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import {
  ACCOUNT,
  type ApiUnderTest,
  apiUnderTest,
  OTHER_ACCOUNT,
  OTHER_TOKEN,
  PATH,
  SIGNING_KEY,
  TOKEN,
} from '../support/api-fakes.ts';

const AUDIT = `${PATH}/audit`;
const ENTRY = {
  entry: 7,
  at: '2026-11-22T00:00:00.000Z',
  by: { kind: 'dtmf', leg: 'b' },
  action: 'recording.mask',
  subject: 'call/c1',
  data: { changed: true, masked: true, recordings: [] },
  hash: 'e'.repeat(64),
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
    ['format=csv', 'format'],
    ['format=jsonl&page_size=5', 'page_size'],
    ['format=jsonl&start_key=s2', 'start_key'],
    ['format=jsonl&format=json', 'format'],
  ] as const) {
    test(`?${query} is refused`, async () => {
      const { status, json } = await api.ask('GET', `${AUDIT}?${query}`);
      expect([status, Object.keys(json.data)]).toEqual([400, [fault]]);
      expect([api.audit.asked, api.audit.exported]).toEqual([[], []]);
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

describe('the chain of the audit', () => {
  const LINES = ['{"account_id":"a"}\n', '{"entry":1}\n{"entry":2}\n', '{"entry":3}\n'];

  for (const [name, query, headers] of [
    ['by its format', '?format=jsonl', {}],
    ['by its format, whatever is accepted', '?format=jsonl', { accept: 'application/json' }],
    ['by what is accepted', '', { accept: 'application/x-ndjson' }],
    ['by what is accepted, among others', '', { accept: 'text/html, Application/X-NDJSON;q=0.9' }],
    ['by what stands for that in the query', '?accept=application/x-ndjson', {}],
  ] as const)
    test(`is asked for ${name}, and comes line by line`, async () => {
      api.audit.lines = LINES;
      const { status, headers: answered, raw } = await api.ask('GET', `${AUDIT}${query}`, { headers });
      expect([status, raw.toString()]).toEqual([200, LINES.join('')]);
      expect(answered).toMatchObject({
        'content-type': 'application/x-ndjson',
        'content-disposition': `attachment; filename="audit-${ACCOUNT}.jsonl"`,
        'cache-control': 'no-store',
      });
      expect([api.audit.exported, api.audit.asked]).toEqual([[ACCOUNT], []]);
    });

  test('is not what a page is asked for as', async () => {
    for (const [query, accept] of [
      ['', '*/*'],
      ['?format=json', 'application/x-ndjson'],
      ['', 'application/json'],
    ])
      await api.ask('GET', `${AUDIT}${query}`, { headers: { accept: accept! } });
    expect([api.audit.asked.length, api.audit.exported]).toEqual([3, []]);
  });

  test('is not read for its head alone', async () => {
    const { status, headers, raw } = await api.ask('HEAD', `${AUDIT}?format=jsonl`);
    expect([status, headers['content-type'], raw.length]).toEqual([200, 'application/x-ndjson', 0]);
    expect(api.audit.exported).toEqual([]);
  });

  test('is read no faster than it is taken, and breaks off where the store fails', async () => {
    let given = 0;
    api.audit.lines = (function* () {
      for (; given < 2000; given++) yield `${'x'.repeat(16_384)}\n`;
      throw new AppError('STORE_FAILED', 'the disk is gone');
    })();
    const url = await api.listen();
    const response = await fetch(`${url}${AUDIT}?format=jsonl`, { headers: { 'x-auth-token': TOKEN } });
    const reader = response.body!.getReader();
    await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBeLessThan(1900);
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toThrow();
    expect(given).toBe(2000);
  });

  test('is the own account’s alone', async () => {
    expect((await api.ask('GET', `${AUDIT}?format=jsonl`, { token: OTHER_TOKEN })).status).toBe(403);
    expect((await api.ask('GET', `${AUDIT}?format=jsonl`, { token: 'nobody' })).status).toBe(401);
    expect(api.audit.exported).toEqual([]);
  });
});

describe('the signing key', () => {
  test('is served to every key of an account, its public half alone', async () => {
    const { status, json, raw } = await api.ask('GET', `${PATH}/signing_key`);
    expect([status, json.data]).toEqual([200, SIGNING_KEY]);
    expect(Object.keys(json.data)).toEqual(['algorithm', 'key_id', 'public_key', 'pem']);
    expect(raw.toString()).not.toContain('PRIVATE');
    const elsewhere = `/v2/accounts/${OTHER_ACCOUNT}/signing_key`;
    expect((await api.ask('GET', elsewhere, { token: OTHER_TOKEN })).json.data).toEqual(SIGNING_KEY);
    expect((await api.ask('GET', elsewhere)).status).toBe(403);
    expect((await api.ask('GET', `${PATH}/signing_key`, { token: 'nobody' })).status).toBe(401);
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'])
      expect((await api.ask(method, `${PATH}/signing_key`, { data: {} })).status).toBe(405);
  });
});
