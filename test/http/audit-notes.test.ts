/** Every change through the API is noted: by whom, on what, and nothing of what was in it. */
import { describe, expect, test } from 'vitest';
import type { AuditNote } from '../../src/http/audit.ts';
import {
  ACCOUNT,
  type ApiUnderTest,
  apiUnderTest,
  EVENT,
  FakeAudit,
  KEY_ID,
  PATH,
  RECORDING,
  SILENT_RECORDING,
} from '../support/api-fakes.ts';
import { makeWorld } from './api-world.ts';

/** In bodies below, wherever one can be; in no note. */
const SECRET = '4111111111111111';
const URL = `https://user:${SECRET}@uploads.example:8443/${SECRET}?key=${SECRET}`;

const METAFLOWS = {
  numbers: { [SECRET]: { module: 'record_call', data: { action: 'start', label: SECRET, url: URL } } },
};
const PERSON_SETTINGS = { any: { any: { enabled: true, url: URL } } };

type Noted = Pick<AuditNote, 'action' | 'subject'> & { readonly data?: object };

type Row = {
  /** An operation of the description. */
  readonly does: string;
  readonly url: string;
  readonly data?: object;
  readonly status?: number;
  /** Undefined: nothing was done. */
  readonly noted: Noted | undefined;
};

const PEOPLE: readonly Row[] = (['user', 'device'] as const).flatMap((kind) => {
  const all = `/v2/accounts/{accountId}/${kind}s`;
  const one = `${all}/{${kind}Id}`;
  const url = `/v2/account/${kind}s/bob`;
  const bob = `${kind}/bob`;
  const data = { name: SECRET, metaflows: METAFLOWS, call_recording: PERSON_SETTINGS, [`x${SECRET}`]: SECRET };
  const fields = ['name', 'metaflows', 'call_recording', 'others'];
  const change = { call_recording: null, metaflows: METAFLOWS };
  const changed = { fields: ['metaflows'], removed: ['call_recording'] };
  return [
    {
      does: `PUT ${all}`,
      url: `/v2/account/${kind}s`,
      data,
      status: 201,
      noted: { action: `${kind}.create`, subject: expect.stringMatching(`^${kind}/[0-9a-f]{32}$`), data: { fields } },
    },
    {
      does: `PUT ${one}`,
      url,
      data,
      status: 201,
      noted: { action: `${kind}.replace`, subject: bob, data: { fields } },
    },
    { does: `POST ${one}`, url, data, noted: { action: `${kind}.replace`, subject: bob, data: { fields } } },
    { does: `PATCH ${one}`, url, data: change, noted: { action: `${kind}.change`, subject: bob, data: changed } },
    { does: `PATCH ${one}`, url, data: { name: 5 }, status: 400, noted: undefined },
    {
      does: `POST ${one}/metaflows`,
      url: `${url}/metaflows`,
      data: METAFLOWS,
      noted: { action: 'metaflows.replace', subject: bob },
    },
    { does: `DELETE ${one}/metaflows`, url: `${url}/metaflows`, noted: { action: 'metaflows.remove', subject: bob } },
    { does: `GET ${one}`, url, noted: undefined },
    { does: `DELETE ${one}`, url, noted: { action: `${kind}.remove`, subject: bob } },
    { does: `DELETE ${one}`, url, status: 404, noted: undefined },
  ] as Row[];
});

const OWN = 'account/~own';

const ACCOUNTS: readonly Row[] = [
  {
    does: 'PUT /v2/accounts',
    url: '/v2/accounts',
    data: { name: SECRET, call_recording: { account: PERSON_SETTINGS } },
    status: 201,
    noted: {
      action: 'account.create',
      subject: expect.stringMatching(/^account\/[0-9a-f]{32}$/),
      data: { fields: ['name', 'call_recording'] },
    },
  },
  { does: 'PUT /v2/accounts', url: '/v2/accounts', data: {}, status: 400, noted: undefined },
  {
    does: 'POST /v2/accounts/{accountId}',
    url: '/v2/account',
    data: { name: SECRET },
    noted: { action: 'account.replace', subject: OWN, data: { fields: ['name'] } },
  },
  {
    does: 'PATCH /v2/accounts/{accountId}',
    url: '/v2/account',
    data: { call_recording: { endpoint: PERSON_SETTINGS } },
    noted: { action: 'account.change', subject: OWN, data: { fields: ['call_recording'] } },
  },
  {
    does: 'PATCH /v2/accounts/{accountId}',
    url: '/v2/account',
    data: { webhook_url: URL, webhook_secret: SECRET },
    noted: { action: 'account.change', subject: OWN, data: { fields: ['webhook_url', 'webhook_secret'] } },
  },
  {
    does: 'POST /v2/accounts/{accountId}/metaflows',
    url: '/v2/account/metaflows',
    data: METAFLOWS,
    noted: { action: 'metaflows.replace', subject: OWN },
  },
  {
    does: 'DELETE /v2/accounts/{accountId}/metaflows',
    url: '/v2/account/metaflows',
    noted: { action: 'metaflows.remove', subject: OWN },
  },
  { does: 'DELETE /v2/accounts/{accountId}', url: '/v2/account', status: 409, noted: undefined },
];

const CALLS = `${PATH}/calls`;
const RECORDINGS = `${PATH}/recordings`;
const callAction = 'POST /v2/accounts/{accountId}/calls/{callId}';
const MEDIA = { kind: 'rtp', codecs: { b: { 96: 'opus/48000/2' } } };
const announced = { call_id: 'c1', from: SECRET, caller: { number: SECRET }, media: { kind: 'rtp' } };

const CALL_ROWS: readonly Row[] = [
  {
    does: 'PUT /v2/accounts/{accountId}/calls',
    url: CALLS,
    data: { ...announced, record_call: { label: SECRET, url: URL } },
    status: 201,
    noted: {
      action: 'call.announce',
      subject: 'call/c1',
      data: { direction: 'inbound', records: true, host: 'uploads.example:8443' },
    },
  },
  { does: 'PUT /v2/accounts/{accountId}/calls', url: CALLS, data: announced, status: 409, noted: undefined },
  {
    does: callAction,
    url: `${CALLS}/c1`,
    data: { action: 'answer' },
    noted: { action: 'call.answer', subject: 'call/c1' },
  },
  {
    does: callAction,
    url: `${CALLS}/c1`,
    data: { action: 'bridge' },
    noted: { action: 'call.bridge', subject: 'call/c1' },
  },
  {
    does: callAction,
    url: `${CALLS}/c1`,
    data: { action: 'media', media: MEDIA },
    noted: { action: 'call.media', subject: 'call/c1', data: { legs: ['b'] } },
  },
  {
    does: callAction,
    url: `${CALLS}/c1`,
    data: { action: 'hangup' },
    noted: { action: 'call.end', subject: 'call/c1' },
  },
  { does: callAction, url: `${CALLS}/c1`, data: { action: 'hangup' }, noted: undefined },
  { does: `${callAction.replace('POST', 'DELETE')}`, url: `${CALLS}/c1`, noted: undefined },
  {
    does: 'PUT /v2/accounts/{accountId}/calls',
    url: CALLS,
    data: { ...announced, call_id: 'c2' },
    status: 201,
    noted: { action: 'call.announce', subject: 'call/c2', data: { direction: 'inbound', records: false } },
  },
  {
    does: `${callAction.replace('POST', 'DELETE')}`,
    url: `${CALLS}/c2`,
    noted: { action: 'call.end', subject: 'call/c2' },
  },
  {
    does: 'POST /v2/accounts/{accountId}/recordings/{recordingId}',
    url: `${RECORDINGS}/${RECORDING}`,
    data: { action: 'deliver' },
    noted: { action: 'recording.deliver', subject: `recording/${RECORDING}` },
  },
  {
    does: 'DELETE /v2/accounts/{accountId}/recordings/{recordingId}',
    url: `${RECORDINGS}/${RECORDING}`,
    noted: { action: 'recording.remove', subject: `recording/${RECORDING}` },
  },
  {
    does: 'DELETE /v2/accounts/{accountId}/recordings/{recordingId}',
    url: `${RECORDINGS}/${SILENT_RECORDING}`,
    status: 409,
    noted: undefined,
  },
  {
    does: 'POST /v2/accounts/{accountId}/webhooks/{eventId}',
    url: `${PATH}/webhooks/${EVENT}`,
    data: { action: 'deliver' },
    noted: { action: 'webhook.deliver', subject: `webhook/${EVENT}` },
  },
  {
    does: 'DELETE /v2/accounts/{accountId}/webhooks/{eventId}',
    url: `${PATH}/webhooks/${EVENT}`,
    noted: { action: 'webhook.drop', subject: `webhook/${EVENT}` },
  },
  {
    does: 'GET /v2/accounts/{accountId}/recordings/{recordingId}',
    url: `${RECORDINGS}/${RECORDING}`,
    noted: undefined,
  },
];

/** Noted elsewhere: what is done on a channel by the call, with what came of it; exchanged keys and uploads in tests below. */
const ELSEWHERE = [
  'PUT /v2/accounts/{accountId}/channels/{uuid}',
  'POST /v2/accounts/{accountId}/channels/{uuid}',
  'PUT /v2/accounts/{accountId}/recordings',
  'PUT /v2/api_auth',
];

const check = (audit: FakeAudit, row: Row, own: { readonly accountId: string; readonly keyId: string }): void => {
  const { accountId, keyId } = own;
  const { noted } = row;
  const subject = noted?.subject === OWN ? `account/${accountId}` : noted?.subject;
  const whole = { accountId, by: { kind: 'api', by: keyId }, ...noted, subject, data: noted?.data ?? {} };
  const found = audit.notes.splice(0).map((note) => ({ data: {}, ...note }));
  expect([row.does, found]).toEqual([row.does, noted === undefined ? [] : [whole]]);
  expect(JSON.stringify(found)).not.toContain(SECRET);
};

describe('what is noted', () => {
  test('of accounts, people and their metaflows', async () => {
    const audit = new FakeAudit();
    const world = await makeWorld({ audit });
    const { keyId } = (await world.directory.principalOf(world.admin.key))!;
    for (const row of [...ACCOUNTS, ...PEOPLE]) {
      const [method = ''] = row.does.split(' ');
      const { status, text } = await world.send(method, row.url, row.data && { data: row.data });
      expect([row.does, status, text]).toEqual([row.does, row.status ?? 200, text]);
      check(audit, row, { accountId: world.admin.id, keyId });
    }
  });

  test('of calls and recordings', async () => {
    const api = await apiUnderTest();
    for (const row of CALL_ROWS) {
      const [method = ''] = row.does.split(' ');
      const { status } = await api.ask(method, row.url, { data: row.data });
      expect([row.does, status]).toEqual([row.does, row.status ?? 200]);
      check(api.audit, row, { accountId: ACCOUNT, keyId: KEY_ID });
    }
  });

  test('of an account that goes: its end', async () => {
    const audit = new FakeAudit();
    const world = await makeWorld({ audit });
    const { id, send } = await world.tenant();
    await send('DELETE', '/v2/account');
    expect(audit.notes).toMatchObject([{ accountId: id, action: 'account.remove', subject: `account/${id}` }]);
  });

  test("of a verb in another's body or query: what the verb did", async () => {
    const audit = new FakeAudit();
    const { send } = await makeWorld({ audit });
    await send('POST', '/v2/account/users/bob', { verb: 'PUT', data: {} });
    await send('POST', '/v2/account/users/bob?verb=DELETE');
    expect(audit.notes.map(({ action }) => action)).toEqual(['user.replace', 'user.remove']);
  });

  test('is there for every operation that changes something', async () => {
    const { send } = await makeWorld();
    const { paths } = (await send('GET', '/openapi.json')).json as { paths: Record<string, object> };
    const changing = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).flatMap((method) =>
        ['get', 'head'].includes(method) ? [] : [`${method.toUpperCase()} ${path}`],
      ),
    );
    const known = new Set([...ACCOUNTS, ...PEOPLE, ...CALL_ROWS].map(({ does }) => does).concat(ELSEWHERE));
    expect(changing.filter((does) => !known.has(does))).toEqual([]);
    expect(changing.length).toBeGreaterThan(20);
  });
});

describe('keys', () => {
  test('that are exchanged are noted by their ids', async () => {
    const audit = new FakeAudit();
    const { send, admin, directory } = await makeWorld({ audit });
    const { keyId } = (await directory.principalOf(admin.key))!;
    const { json } = await send('PUT', '/v2/api_auth', { data: { api_key: admin.key } }, { headers: {} });
    expect(audit.notes).toEqual([
      {
        accountId: admin.id,
        by: { kind: 'api', by: keyId },
        action: 'key.exchange',
        subject: `key/${keyId}`,
        data: {},
      },
    ]);
    for (const secret of [admin.key, json.auth_token]) expect(JSON.stringify(audit.notes)).not.toContain(secret);
  });

  test('that are refused are counted, by the account in the path where one could be', async () => {
    const audit = new FakeAudit();
    const { send, admin } = await makeWorld({ audit });
    const headers = { 'x-auth-token': 'wrong' };
    await send('PUT', '/v2/api_auth', { data: { api_key: 'wrong' } }, { headers: {} });
    await send('GET', `/v2/accounts/${admin.id}/users`, undefined, { headers });
    await send('POST', `/v2/accounts/${admin.id}/metaflows`, { data: {}, auth_token: 'wrong' }, { headers: {} });
    await send('GET', '/v2/accounts/x/users', undefined, { headers });
    await send('GET', '/v2/account/users', undefined, { headers });
    expect(audit.refusals).toEqual([undefined, admin.id, admin.id, undefined, undefined]);
    expect(audit.notes).toEqual([]);
  });
});

describe('audio', () => {
  const audio = `${RECORDINGS}/${RECORDING}?accept=audio/mpeg`;
  const fetched = (data: object) => ({
    accountId: ACCOUNT,
    by: { kind: 'api', by: KEY_ID },
    action: 'recording.fetch',
    subject: `recording/${RECORDING}`,
    data,
  });
  const cases: readonly { name: string; ask: (api: ApiUnderTest) => Promise<unknown>; notes: object[] }[] = [
    { name: 'the whole of it is noted', ask: (api) => api.ask('GET', audio), notes: [fetched({})] },
    {
      name: 'a part of it is noted with which one',
      ask: (api) => api.ask('GET', audio, { headers: { range: 'bytes=10-19' } }),
      notes: [fetched({ range: 'bytes 10-19/1000' })],
    },
    { name: 'its head alone is not', ask: (api) => api.ask('HEAD', audio), notes: [] },
    {
      name: 'a part that is not there is not',
      ask: (api) => api.ask('GET', audio, { headers: { range: 'bytes=5000-' } }),
      notes: [],
    },
    {
      name: 'what the client has already is not',
      ask: async (api) => {
        const { headers } = await api.ask('HEAD', audio);
        await api.ask('GET', audio, { headers: { 'if-none-match': String(headers.etag) } });
      },
      notes: [],
    },
  ];
  for (const { name, ask, notes } of cases) {
    test(name, async () => {
      const api = await apiUnderTest();
      await ask(api);
      expect(api.audit.notes).toEqual(notes);
    });
  }
});
