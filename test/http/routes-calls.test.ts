import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseAllowList } from '../../src/deliver/allow-list.ts';
import { ACCOUNT, type ApiUnderTest, apiUnderTest, OTHER_ACCOUNT, OTHER_TOKEN, PATH } from '../support/api-fakes.ts';

const CALLS = `${PATH}/calls`;
const RTP = { kind: 'rtp' };

let api: ApiUnderTest;

beforeEach(async () => {
  api = await apiUnderTest();
});

const announce = (data: unknown) => api.ask('PUT', CALLS, { data });

/** What was wrong: path and code of each fault. */
const faults = (data: Record<string, Record<string, unknown>>): string[] =>
  Object.entries(data)
    .flatMap(([path, codes]) => Object.keys(codes).map((code) => `${path} ${code}`))
    .sort();

describe('announcing a call', () => {
  test('the least that works answers 201 with an address per leg', async () => {
    const data = { call_id: 'c1', caller: { user_id: 'alice' }, callee: { user_id: 'bob' }, media: RTP };
    const { status, json } = await announce(data);
    expect(status).toBe(201);
    expect(json).toMatchObject({
      status: 'success',
      data: {
        call_id: 'c1',
        legs: {
          a: { channel_id: 'chan-a', rtp: { host: '127.0.0.1', port: 30_000 } },
          b: { channel_id: 'chan-b', rtp: { host: '127.0.0.1', port: 30_002 } },
        },
      },
    });
    expect(api.calls.announced).toEqual([{ accountId: ACCOUNT, announcement: data }]);
  });

  test('all that can be said reaches the service as it was said', async () => {
    const data = {
      call_id: 'A.b_c@d:e+f-1',
      direction: 'outbound',
      network: 'offnet',
      from: 'alice@example.org',
      to: '+1 555 0100',
      caller: { user_id: 'alice', device_id: 'desk', name: 'Alice Ünal', number: '1001' },
      callee: { name: 'Bob' },
      media: {
        kind: 'rtp',
        server: 'asterisk',
        codecs: { a: { 0: 'PCMU/8000', 96: 'opus/48000/2' } },
        sdp: { b: 'v=0\r\n' },
      },
      record_call: { format: 'wav', url: 'https://example.com/in' },
    };
    expect((await announce(data)).status).toBe(201);
    expect(api.calls.announced[0]!.announcement).toEqual(data);
  });

  test('a name is made up where there is none', async () => {
    expect((await announce({ media: RTP })).json.data.call_id).toBe('made-up');
    expect(api.calls.announced[0]!.announcement).not.toHaveProperty('call_id');
  });

  test("numbers and booleans as text are taken within record_call, as Kazoo's clients send them", async () => {
    await announce({ media: RTP, record_call: { time_limit: '600', record_on_answer: 'true' } });
    expect(api.calls.announced[0]!.announcement.record_call).toEqual({ time_limit: 600, record_on_answer: true });
  });

  test('a second call of the name is 409', async () => {
    await announce({ call_id: 'c1', media: RTP });
    const { status, json } = await announce({ call_id: 'c1', media: RTP });
    expect([status, json.status, json.error]).toEqual([409, 'error', '409']);
  });

  test('every fault at once, each by its path', async () => {
    const { status, json } = await announce({
      call_id: '../etc',
      direction: 'sideways',
      from: 5,
      caller: { user_id: 'a/b', nickname: 'x' },
      media: { kind: 'rtp', codecs: { a: { 128: 'PCMU/8000', 0: 'PCMU' }, c: {} } },
      record_call: { format: 'ogg', time_limit: 'soon', colour: 'red' },
      extra: true,
    });
    expect([status, json.message]).toEqual([400, 'validation error']);
    expect(faults(json.data)).toEqual([
      'call_id pattern',
      'caller.nickname additionalProperties',
      'caller.user_id pattern',
      'direction enum',
      'extra additionalProperties',
      'from type',
      'media.codecs.a.0 pattern',
      'media.codecs.a.128 additionalProperties',
      'media.codecs.c additionalProperties',
      'record_call.colour additionalProperties',
      'record_call.format enum',
      'record_call.time_limit type',
    ]);
    expect(api.calls.announced).toEqual([]);
  });

  for (const { name, data, is } of [
    { name: 'without media', data: {}, is: 'media required' },
    { name: 'media of no kind', data: { media: {} }, is: 'media.kind required' },
    { name: 'a number for a name', data: { media: RTP, call_id: 5 }, is: 'call_id type' },
    { name: 'an empty name', data: { media: RTP, call_id: '' }, is: 'call_id pattern' },
    { name: 'a name of 129 characters', data: { media: RTP, call_id: 'x'.repeat(129) }, is: 'call_id pattern' },
    { name: 'a line end behind a name', data: { media: RTP, call_id: 'c1\n' }, is: 'call_id pattern' },
    { name: 'a control character in a number', data: { media: RTP, from: 'a\u0000b' }, is: 'from pattern' },
    { name: 'record_call that is no object', data: { media: RTP, record_call: [] }, is: 'record_call type' },
    { name: 'record_call: null', data: { media: RTP, record_call: null }, is: 'record_call type' },
    {
      name: 'to start with a mask',
      data: { media: RTP, record_call: { action: 'mask' } },
      is: 'record_call.action enum',
    },
    {
      name: 'a folder as media_name',
      data: { media: RTP, record_call: { media_name: '../x' } },
      is: 'record_call.media_name pattern',
    },
    {
      name: 'a rate no mp3 has',
      data: { media: RTP, record_call: { record_sample_rate: 9000 } },
      is: 'record_call.record_sample_rate error',
    },
    {
      name: 'a target on loopback',
      data: { media: RTP, record_call: { url: 'http://127.0.0.1/x' } },
      is: 'record_call.url error',
    },
    {
      name: 'a target of metadata',
      data: { media: RTP, record_call: { url: 'http://169.254.169.254/' } },
      is: 'record_call.url error',
    },
    {
      name: 'an offer and codecs for a leg',
      data: { media: { ...RTP, codecs: { a: {} }, sdp: { a: 'v=0' } } },
      is: 'media.codecs.a error',
    },
    {
      name: 'an offer that never ends',
      data: { media: { ...RTP, sdp: { a: 'x'.repeat(70_000) } } },
      is: 'media.sdp.a maxLength',
    },
    { name: 'a list', data: [], is: 'data type' },
  ]) {
    test(`refused: ${name}`, async () => {
      const { status, json } = await announce(data);
      expect(status).toBe(400);
      expect(faults(json.data)).toEqual([is]);
    });
  }

  test('a target that the configuration allows is taken', async () => {
    api = await apiUnderTest({ allow: parseAllowList('127.0.0.1') });
    expect((await announce({ media: RTP, record_call: { url: 'http://127.0.0.1:1/x' } })).status).toBe(201);
  });

  test('a body without data is no envelope', async () => {
    const { status, json } = await api.ask('PUT', CALLS, { body: { call_id: 'c1' } });
    expect([status, json.message]).toEqual([400, 'invalid request envelope']);
  });

  test('whatever is sent, the answer is 201 or an envelope that says 400', async () => {
    const known = fc.constantFrom(
      'call_id',
      'media',
      'caller',
      'record_call',
      'from',
      'kind',
      'sdp',
      'codecs',
      '__proto__',
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('rtp', 'c1', '', null, 0, -1, 1.5, true),
        fc.string(),
        fc.dictionary(fc.oneof(known, fc.string()), tie('tree'), { maxKeys: 5 }),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(known, tree), fc.boolean(), async (data, withMedia) => {
        const { status, json } = await announce(withMedia ? { ...data, media: RTP } : data);
        expect([201, 400, 409]).toContain(status);
        expect(json.status).toBe(status === 201 ? 'success' : 'error');
      }),
      { numRuns: 150 },
    );
  });
});

describe('a call', () => {
  beforeEach(async () => {
    await announce({ call_id: 'a:b@c+d', media: RTP });
  });

  test('is listed, for its account', async () => {
    expect((await api.ask('GET', CALLS)).json.data).toMatchObject([{ call_id: 'a:b@c+d' }]);
    const theirs = await api.ask('GET', `/v2/accounts/${OTHER_ACCOUNT}/calls`, { token: OTHER_TOKEN });
    expect(theirs.json.data).toEqual([]);
  });

  for (const id of ['a:b@c+d', 'a%3Ab%40c%2Bd']) {
    test(`is found as ${id}`, async () => {
      expect((await api.ask('GET', `${CALLS}/${id}`)).json.data.call_id).toBe('a:b@c+d');
    });
  }

  for (const { action, state } of [
    { action: 'answer', state: 'answered' },
    { action: 'bridge', state: 'bridged' },
    { action: 'hangup', state: 'ended' },
  ]) {
    test(`${action}: ${state}`, async () => {
      const { status, json } = await api.ask('POST', `${CALLS}/a:b@c+d`, { data: { action } });
      expect([status, json.data.state]).toEqual([200, state]);
    });
  }

  test('DELETE hangs up', async () => {
    const { status, json } = await api.ask('DELETE', `${CALLS}/a:b@c+d`);
    expect([status, json.data.state]).toEqual([200, 'ended']);
  });

  test('media: new payload types or an offer for a leg reach the service as they were said', async () => {
    const media = { ...RTP, codecs: { a: { 96: 'opus/48000/2' } }, sdp: { b: 'v=0\r\n' } };
    const { status, json } = await api.ask('POST', `${CALLS}/a:b@c+d`, { data: { action: 'media', media } });
    expect([status, json.data.call_id]).toEqual([200, 'a:b@c+d']);
    expect(api.calls.media).toEqual([media]);
  });

  for (const { name, data, is } of [
    { name: 'nothing of it', data: {}, is: ['media required'] },
    { name: 'no object', data: { media: 'rtp' }, is: ['media type'] },
    { name: 'no kind', data: { media: { codecs: { a: {} } } }, is: ['media.kind required'] },
    { name: 'another kind', data: { media: { kind: 'tcp', codecs: { a: {} } } }, is: ['media.kind enum'] },
    {
      name: 'a server without habits of its own',
      data: { media: { kind: 'rtp', server: 'freeswitch', codecs: { a: {} } } },
      is: ['media.server enum'],
    },
    { name: 'no leg', data: { media: RTP }, is: ['media error'] },
    { name: 'no leg in what names legs', data: { media: { ...RTP, sdp: {}, codecs: {} } }, is: ['media error'] },
    {
      name: 'an offer and codecs for a leg',
      data: { media: { ...RTP, codecs: { a: {} }, sdp: { a: 'v=0' } } },
      is: ['media.codecs.a error'],
    },
    {
      name: 'every fault at once',
      data: {
        media: { kind: 'rtp', codecs: { a: { 128: 'PCMU/8000', 0: 'PCMU' }, c: {} }, sdp: { b: '' }, host: 'x' },
        call_id: 'c2',
      },
      is: [
        'call_id additionalProperties',
        'media.codecs.a.0 pattern',
        'media.codecs.a.128 additionalProperties',
        'media.codecs.c additionalProperties',
        'media.host additionalProperties',
        'media.sdp.b minLength',
      ],
    },
  ]) {
    test(`media refused: ${name}`, async () => {
      const { status, json } = await api.ask('POST', `${CALLS}/a:b@c+d`, { data: { action: 'media', ...data } });
      expect([status, json.message]).toEqual([400, 'validation error']);
      expect(faults(json.data)).toEqual(is);
      expect(api.calls.media).toEqual([]);
    });
  }

  test('media of a call that is not there is 404', async () => {
    const data = { action: 'media', media: { ...RTP, codecs: { a: {} } } };
    expect((await api.ask('POST', `${CALLS}/nobody`, { data })).status).toBe(404);
  });

  for (const { data, message } of [
    { data: { action: 'answer', media: RTP }, message: 'validation error' },
    { data: { action: 'transfer' }, message: 'invalid data' },
    { data: { action: 'toString' }, message: 'invalid data' },
    { data: { action: ['answer'] }, message: 'invalid data' },
    { data: {}, message: 'invalid data' },
    { data: [], message: 'invalid data' },
    { data: { action: 'answer', when: 'now' }, message: 'validation error' },
  ]) {
    test(`refused: ${JSON.stringify(data)}`, async () => {
      const { status, json } = await api.ask('POST', `${CALLS}/a:b@c+d`, { data });
      expect([status, json.message]).toEqual([400, message]);
      expect((await api.calls.get(ACCOUNT, 'a:b@c+d')).state).toBe('announced');
    });
  }

  for (const id of ['nobody', '..%2f..%2fetc', '%2e%2e%2fx', 'a%00b', 'a%0a', 'x'.repeat(129), '%ff', 'a%20b']) {
    test(`${id.slice(0, 20)}: nothing by that name`, async () => {
      for (const method of ['GET', 'DELETE']) {
        const { status, json } = await api.ask(method, `${CALLS}/${id}`);
        expect(json.status).toBe('error');
        expect(status).toBe(id === '%ff' ? 400 : 404);
      }
    });
  }

  test('what is not found is told by its name', async () => {
    const { json } = await api.ask('GET', `${CALLS}/nobody`);
    expect(json).toMatchObject({ message: 'bad identifier', error: '404', data: ['nobody'] });
  });

  test('PATCH is 405', async () => {
    const { status, headers } = await api.ask('PATCH', `${CALLS}/a:b@c+d`, { data: {} });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, POST, DELETE, HEAD');
  });
});
