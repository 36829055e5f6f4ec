import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import {
  accountDocument,
  type DocumentKind,
  type DocumentRules,
  patchedDocument,
  personDocument,
  readDocument,
} from '../../src/directory/document-fields.ts';
import { account, person } from '../store/sample-rows.ts';

const RULES: DocumentRules = {
  judgeUrl: (url) => {
    if (url.includes('169.254')) throw new AppError('TARGET_FORBIDDEN', 'not at a public address');
  },
  readMetaflows: (value) => {
    if (!('bad' in value)) return { binding_digit: '*', ...value };
    const details = { data: { error: { message: 'root' } }, 'numbers.72': { enum: { message: 'below' } } };
    throw new AppError('METAFLOWS_INVALID', 'bad', { details });
  },
};

const read = (kind: DocumentKind, value: unknown) => readDocument(kind, value, RULES);

/** Path and code of every fault. */
const faultsOf = (kind: DocumentKind, value: unknown): string[] => {
  try {
    read(kind, value);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'FIELDS_INVALID' });
    const details = (error as AppError).details as Record<string, object>;
    return Object.entries(details)
      .flatMap(([path, codes]) => Object.keys(codes).map((code) => `${path} ${code}`))
      .sort();
  }
};

describe('a document', () => {
  test('becomes a row, and the same document again', () => {
    const document = {
      name: 'Desk',
      owner_id: 'alice',
      metaflows: { binding_digit: '#' },
      call_recording: { any: { any: { enabled: true, format: 'wav', record_sample_rate: 12_345 } } },
      sip: { realm: 'x.example' },
      enabled: true,
    };
    const fields = read('device', document);
    expect(fields).toEqual({
      name: 'Desk',
      ownerId: 'alice',
      metaflows: { binding_digit: '#' },
      callRecording: document.call_recording,
      extra: { sip: { realm: 'x.example' }, enabled: true },
    });
    expect(personDocument(person({ kind: 'device', id: 'd1', ...fields }))).toEqual({ id: 'd1', ...document });
  });

  test('can say nothing, but for an account, which has a name', () => {
    const nothing = { name: '', ownerId: null, metaflows: null, callRecording: null, extra: {} };
    expect([read('user', {}), read('device', { owner_id: null, metaflows: {}, call_recording: {} })]).toEqual([
      nothing,
      nothing,
    ]);
    expect(personDocument(person({ name: '' }))).toEqual({ id: 'alice' });
    expect(accountDocument(account({ extra: { realm: 'x' } }))).toEqual({ id: 'a1', name: 'Acme', realm: 'x' });
    expect(faultsOf('account', {})).toEqual(['name required']);
    expect(faultsOf('account', { name: '' })).toEqual(['name minLength']);
  });

  test('keeps what it does not know, and neither what is private nor a secret', () => {
    const given = {
      id: 'other',
      _read_only: { x: 1 },
      _id: 'x',
      pvt_type: 'user',
      api_key: 'f'.repeat(64),
      password: 'secret',
      nothing: null,
      sip: { username: 'u', password: 'secret', list: [{ password: 'secret', y: 1 }] },
    };
    expect(read('user', { ...given, owner_id: 'x' }).extra).toEqual({
      owner_id: 'x',
      sip: { username: 'u', list: [{ y: 1 }] },
    });
  });

  for (const { kind, key, meant } of [
    { kind: 'account', key: 'metaflow', meant: 'metaflows' },
    { kind: 'user', key: 'call_recordng', meant: 'call_recording' },
    { kind: 'user', key: 'callRecording', meant: 'call_recording' },
    { kind: 'device', key: 'owner_ids', meant: 'owner_id' },
    { kind: 'device', key: 'Name', meant: 'name' },
  ] as const) {
    test(`refuses ${key}, which is ${meant} misspelt`, () => {
      const message = `unknown property; did you mean ${meant}?`;
      const given = { name: 'x', [key]: {} };
      expect(() => read(kind, given)).toThrow(
        expect.objectContaining({
          code: 'FIELDS_INVALID',
          details: { [key]: { misspelt: { message, target: meant } } },
        }),
      );
    });
  }

  test("keeps Kazoo's own that only resemble ours", () => {
    const given = { note: 'x', realm: 'x', call_restriction: {}, call_forward: {}, owner: 'x', metadata: {} };
    expect(read('device', given)).toMatchObject({ extra: { note: 'x', call_restriction: {} } });
  });

  test('an id of its own does not hide the true one, nor does a name', () => {
    expect(personDocument(person({ extra: { id: 'x', name: 'y' } }))).toEqual({ id: 'alice', name: 'Alice' });
  });

  for (const { kind, value, faults } of [
    { kind: 'user', value: null, faults: ['data type'] },
    { kind: 'user', value: [], faults: ['data type'] },
    { kind: 'user', value: 'x', faults: ['data type'] },
    {
      kind: 'user',
      value: { name: 7, metaflows: 'x', call_recording: [] },
      faults: ['call_recording type', 'metaflows type', 'name type'],
    },
    { kind: 'user', value: { name: 'x\u0007' }, faults: ['name pattern'] },
    { kind: 'user', value: { name: 'x'.repeat(257) }, faults: ['name maxLength'] },
    { kind: 'device', value: { owner_id: '../x' }, faults: ['owner_id pattern'] },
    { kind: 'device', value: { owner_id: 'x'.repeat(65) }, faults: ['owner_id pattern'] },
    { kind: 'user', value: { metaflows: { bad: 1 } }, faults: ['metaflows error', 'metaflows.numbers.72 enum'] },
    { kind: 'user', value: { a: 'x'.repeat(65_536) }, faults: ['data error'] },
    { kind: 'user', value: { a: Array(20_001).fill(0) }, faults: ['data error'] },
    {
      kind: 'user',
      value: { name: 7, metaflows: { bad: 1 }, call_recording: { any: { any: { hush: 1 } } } },
      faults: [
        'call_recording.any.any.hush additionalProperties',
        'metaflows error',
        'metaflows.numbers.72 enum',
        'name type',
      ],
    },
  ] as { kind: DocumentKind; value: unknown; faults: string[] }[]) {
    test(`${kind} ${JSON.stringify(value)?.slice(0, 60)} has faults at ${faults}`, () =>
      expect(faultsOf(kind, value)).toEqual(faults));
  }

  test('too deep to be walked is refused, not walked', () => {
    const a = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(faultsOf('user', { a })).toEqual(['data error']);
    expect(() => patchedDocument('user', {}, { a })).toThrow(expect.objectContaining({ code: 'FIELDS_INVALID' }));
  });

  test('as large as may be is taken', () => {
    expect(faultsOf('user', { a: 'x'.repeat(65_000) })).toEqual([]);
    expect(faultsOf('user', { a: Array(19_000).fill(0) })).toEqual([]);
  });

  test('is read or refused, whatever it is, and what is read stays as it is', () =>
    fc.assert(
      fc.property(
        fc.constantFrom<DocumentKind>('account', 'user', 'device'),
        fc.oneof(
          fc.json().map((text) => JSON.parse(text) as unknown),
          fc.record(
            {
              name: fc.anything(),
              owner_id: fc.string(),
              call_recording: fc.object(),
              metaflows: fc.object(),
              x: fc.object(),
            },
            { requiredKeys: [] },
          ),
        ),
        (kind, value) => {
          try {
            const fields = read(kind, JSON.parse(JSON.stringify(value) ?? 'null'));
            const again = read(kind, personDocument(person({ ...fields, kind: 'device' })));
            expect(again).toEqual(fields);
          } catch (error) {
            expect(error).toMatchObject({ code: 'FIELDS_INVALID' });
          }
        },
      ),
    ));
});

describe('settings for recording', () => {
  const parameters = (value: object) => ({ call_recording: { inbound: { offnet: value } } });
  const at = 'call_recording.inbound.offnet';

  for (const { value, faults } of [
    { value: { enabled: true }, faults: [] },
    {
      value: {
        enabled: false,
        format: 'wav',
        method: 'post',
        record_min_sec: 0,
        record_on_answer: true,
        record_on_bridge: false,
        record_sample_rate: 48_000,
        time_limit: 5,
        url: 'https://x.example/in?k=',
        mask_mode: 'drop',
        mask_lookback_ms: 10_000,
        mask_max_sec: 1,
        mask_expiry: 'unmask',
        channels: 'mono',
      },
      faults: [],
    },
    { value: { enabled: 'true' }, faults: [`${at}.enabled type`] },
    { value: { time_limit: 4 }, faults: [`${at}.time_limit minimum`] },
    { value: { time_limit: 10_801 }, faults: [`${at}.time_limit maximum`] },
    { value: { time_limit: '60' }, faults: [`${at}.time_limit type`] },
    { value: { format: 'mp4' }, faults: [`${at}.format enum`] },
    { value: { record_sample_rate: 12_345 }, faults: [`${at}.record_sample_rate error`] },
    {
      value: { format: 'mp3', record_sample_rate: 7999 },
      faults: [`${at}.record_sample_rate minimum`],
    },
    { value: { url: 'ftp://x.example/' }, faults: [`${at}.url error`] },
    { value: { url: 'http://' }, faults: [`${at}.url error`] },
    { value: { url: 'http://169.254.169.254/latest' }, faults: [`${at}.url error`] },
    { value: { url: '' }, faults: [`${at}.url minLength`] },
    { value: { media_name: 'x' }, faults: [`${at}.media_name additionalProperties`] },
    { value: { action: 'start' }, faults: [`${at}.action additionalProperties`] },
    { value: { origin: 'x' }, faults: [`${at}.origin additionalProperties`] },
    {
      value: { should_record_feature_calls: true },
      faults: [`${at}.should_record_feature_calls additionalProperties`],
    },
    { value: 'on', faults: [`${at} type`] },
  ] as { value: object; faults: string[] }[]) {
    test(`${JSON.stringify(value)}: ${faults.length === 0 ? 'good' : faults}`, () =>
      expect(faultsOf('user', parameters(value))).toEqual(faults));
  }

  test('that are wrong in three places are told in three places, in Kazoo’s words', () => {
    const value = {
      call_recording: { sideways: {}, any: { any: { time_limit: 1 } }, outbound: { onnet: { url: 'x' } } },
    };
    expect(() => read('user', value)).toThrow(
      expect.objectContaining({
        details: {
          'call_recording.any.any.time_limit': {
            minimum: { message: 'Value must be at least 5', target: 5, value: 1 },
          },
          'call_recording.outbound.onnet.url': { error: { message: 'invalid client URL' } },
          'call_recording.sideways': {
            additionalProperties: {
              message: 'Strict checking of data is enabled; only include schema-defined properties',
            },
          },
        },
      }),
    );
  });

  test('an account has two branches of them, and nobody else has', () => {
    const branches = {
      account: { any: { any: { enabled: true } } },
      endpoint: { inbound: { any: { enabled: true } } },
    };
    expect(read('account', { name: 'x', call_recording: branches }).callRecording).toEqual(branches);
    expect(faultsOf('account', { name: 'x', call_recording: { any: {} } })).toEqual([
      'call_recording.any additionalProperties',
    ]);
    expect(faultsOf('user', { call_recording: branches })).toEqual(
      expect.arrayContaining(['call_recording.account additionalProperties']),
    );
    const deep = { name: 'x', call_recording: { endpoint: { inbound: { any: { url: 'nowhere', format: 'ogg' } } } } };
    expect(faultsOf('account', deep)).toEqual([
      'call_recording.endpoint.inbound.any.format enum',
      'call_recording.endpoint.inbound.any.url error',
    ]);
  });

  test('a password in a URL is not told', () => {
    try {
      read('user', parameters({ url: 'ftp://user:hunter2@x.example/' }));
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, (error as AppError).details])).not.toContain('hunter2');
    }
  });
});
