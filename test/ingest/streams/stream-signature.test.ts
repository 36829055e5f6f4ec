import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { StreamKeys } from '../../../src/directory/stream-keys.ts';
import { requestUrls } from '../../../src/ingest/streams/request-urls.ts';
import { SeenNonces } from '../../../src/ingest/streams/seen-nonces.ts';
import { signatureBytes, signatureInputs } from '../../../src/ingest/streams/signature-fields.ts';
import type { SignedRequest } from '../../../src/ingest/streams/signed-request.ts';
import { StreamSignatures } from '../../../src/ingest/streams/stream-signature.ts';

const at = (seconds: number): Clock => ({ now: () => seconds * 1_000_000, sleep: () => Promise.resolve() });
const judge = (kind: string, request: SignedRequest, keys: StreamKeys | undefined, seconds = 1_700_000_000) =>
  new StreamSignatures(at(seconds)).judge(kind, request, keys);

/** The request that Genesys' own walkthrough signs, with its key and secret (developer.genesys.cloud, AudioHook session walkthrough). */
const API_KEY = 'SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh';
const CLIENT_SECRET = 'TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=';
const CREATED = 1_641_013_200;
const COVERED =
  '("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" "audiohook-correlation-id" "x-api-key")';
const PARAMETERS = `${COVERED};keyid="${API_KEY}";nonce="VGhpc0lzQVVuaXF1ZU5vbmNl";alg="hmac-sha256";created=${CREATED};expires=3282026430`;
const WALKTHROUGH: SignedRequest = {
  target: '/api/v1/voicebiometrics/ws',
  headers: {
    host: 'audiohook.example.com',
    'audiohook-organization-id': 'd7934305-0972-4844-938e-9060eef73d05',
    'audiohook-correlation-id': 'e160e428-53e2-487c-977d-96989bf5c99d',
    'audiohook-session-id': '30b0e395-84d3-4570-ac13-9a62d8f514c0',
    'x-api-key': API_KEY,
    signature: 'sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:',
    'signature-input': `sig1=${PARAMETERS}`,
  },
};
const GENESYS: StreamKeys = { audiohook: { api_key: API_KEY, client_secret: CLIENT_SECRET } };

const changed = (headers: Record<string, string | undefined>, more: Partial<SignedRequest> = {}): SignedRequest => ({
  ...WALKTHROUGH,
  ...more,
  headers: { ...WALKTHROUGH.headers, ...headers },
});

/** Signs as the client does. */
const signed = (parameters: string, request = WALKTHROUGH, label = 'sig1', secret = CLIENT_SECRET): SignedRequest => {
  const names = [...parameters.slice(0, parameters.indexOf(')')).matchAll(/"([^"]+)"/g)].map(([, name]) => name!);
  const value = (name: string) =>
    name === '@request-target'
      ? request.target
      : name === '@authority'
        ? 'audiohook.example.com'
        : request.headers[name];
  const base = [...names.map((name) => `"${name}": ${value(name)}`), `"@signature-params": ${parameters}`].join('\n');
  const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(base).digest('base64');
  return {
    ...request,
    headers: { ...request.headers, 'signature-input': `${label}=${parameters}`, signature: `${label}=:${mac}:` },
  };
};

describe('AudioHook', () => {
  test('the request of the walkthrough is taken, once', () => {
    const signatures = new StreamSignatures(at(CREATED + 1));
    expect(signatures.judge('audiohook', WALKTHROUGH, GENESYS)).toBe('valid');
    expect(signatures.judge('audiohook', WALKTHROUGH, GENESYS)).toEqual({ refused: 'a nonce that was used before' });
  });

  test.each([
    [
      'spaces in the list',
      changed({ 'signature-input': `sig1=${PARAMETERS.replace('" "', '"   "').replace(';alg', '; alg')}` }),
    ],
    ['the port of its scheme', changed({ host: 'audiohook.example.com:443' })],
    ['a host in capitals', changed({ host: 'AudioHook.Example.com' })],
    [
      'another signature before it',
      changed({
        'signature-input': `sig0=${PARAMETERS}, sig1=${PARAMETERS}`,
        signature: `sig0=:AAAA:, sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:`,
      }),
    ],
    ['more than has to be signed', signed(PARAMETERS.replace('("', '("@method" "').replace('"@method"', '"host"'))],
  ])('taken: %s', (_, request) => {
    expect(judge('audiohook', request, GENESYS, CREATED)).toBe('valid');
  });

  test('behind a proxy, by the URL in the keys', () => {
    const request = changed({ host: '127.0.0.1:8000' });
    const keys = { audiohook: { ...GENESYS.audiohook!, url: 'wss://audiohook.example.com' } };
    expect(judge('audiohook', request, GENESYS, CREATED)).not.toBe('valid');
    expect(judge('audiohook', request, keys, CREATED)).toBe('valid');
  });

  test.each([
    ['no key', changed({ 'x-api-key': undefined }), 0],
    ['another key', changed({ 'x-api-key': 'another' }), 0],
    ['no signature', changed({ signature: undefined, 'signature-input': undefined }), 0],
    ['no input', changed({ 'signature-input': undefined }), 0],
    ['no value', changed({ signature: undefined }), 0],
    ['the value of another label', changed({ signature: 'sig2=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:' }), 0],
    ['a value that is too short', changed({ signature: 'sig1=:NZBw:' }), 0],
    ['an input that can not be read', changed({ 'signature-input': 'sig1=(' }), 0],
    ['another path', changed({}, { target: '/api/v1/voicebiometrics/ws?x=1' }), 0],
    ['another host', changed({ host: 'evil.example.com' }), 0],
    ['another session', changed({ 'audiohook-session-id': 'e160e428-53e2-487c-977d-96989bf5c99d' }), 0],
    ['a header that is not there', changed({ 'audiohook-session-id': undefined }), 0],
    ['too old', WALKTHROUGH, 14],
    ['yet to come', WALKTHROUGH, -4],
    ['expired', signed(PARAMETERS.replace('expires=3282026430', `expires=${CREATED - 4}`)), 0],
    ['without a time', signed(PARAMETERS.replace(`;created=${CREATED}`, '')), 0],
    ['a time that is text', signed(PARAMETERS.replace(`created=${CREATED}`, `created="${CREATED}"`)), 0],
    ['a short nonce', signed(PARAMETERS.replace('VGhpc0lzQVVuaXF1ZU5vbmNl', 'short')), 0],
    ['no nonce', signed(PARAMETERS.replace(/;nonce="[^"]+"/, '')), 0],
    ['another algorithm', signed(PARAMETERS.replace('hmac-sha256', 'none')), 0],
    ['the id of another key', signed(PARAMETERS.replace(`keyid="${API_KEY}"`, 'keyid="other"')), 0],
    ['a component left out', signed(PARAMETERS.replace(' "@authority"', '')), 0],
    ['a component twice', signed(PARAMETERS.replace('("', '("x-api-key" "')), 0],
    ['another secret', signed(PARAMETERS, WALKTHROUGH, 'sig1', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='), 0],
    ['an empty secret', signed(PARAMETERS, WALKTHROUGH, 'sig1', ''), 0],
  ])('refused: %s', (_, request, late) => {
    const verdict = judge('audiohook', request, GENESYS, CREATED + late);
    expect(verdict).toMatchObject({ refused: expect.any(String) });
    expect(JSON.stringify(verdict)).not.toContain(API_KEY);
  });

  test('without a client secret the key alone decides', () => {
    const keys = { audiohook: { api_key: API_KEY } };
    expect(judge('audiohook', { target: '/', headers: { 'x-api-key': API_KEY } }, keys)).toBe('valid');
    expect(judge('audiohook', { target: '/', headers: { 'x-api-key': 'x' } }, keys)).not.toBe('valid');
  });
});

describe('Twilio', () => {
  const TOKEN = '0123456789abcdef0123456789abcdef';
  const TARGET = '/v2/accounts/a/streams/twilio';
  const keys: StreamKeys = { twilio: { auth_token: TOKEN } };
  const sign = (url: string, token = TOKEN): string => createHmac('sha1', token).update(url).digest('base64');
  const request = (signature: string | undefined, host = 'rec.example.com', target = TARGET): SignedRequest => ({
    target,
    headers: { host, 'x-twilio-signature': signature },
  });

  test('HMAC-SHA1 over the URL, as Twilio has it in its documents', () => {
    // The vector of Twilio's security page has parameters of a form behind the URL; a WebSocket has none.
    const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
    const form = 'CallSidCA1234567890ABCDECaller+14158675310Digits1234From+14158675310To+18005551212';
    expect(
      createHmac('sha1', '12345')
        .update(url + form)
        .digest('base64'),
    ).toBe('GvWf1cFY/Q7PnoempGyD5oXAezc=');
  });

  test.each([
    ['as it was told to call', request(sign(`wss://rec.example.com${TARGET}`))],
    ['with a slash behind it', request(sign(`wss://rec.example.com${TARGET}/`))],
    ['as https', request(sign(`https://rec.example.com${TARGET}`))],
    ['with the port', request(sign(`wss://rec.example.com:443${TARGET}`))],
    ['with a port of its own', request(sign(`ws://127.0.0.1:8000${TARGET}`), '127.0.0.1:8000')],
    ['with a query', request(sign(`wss://rec.example.com${TARGET}?a=1`), undefined, `${TARGET}?a=1`)],
    ['with a query that was not signed', request(sign(`wss://rec.example.com${TARGET}`), undefined, `${TARGET}?a=1`)],
  ])('taken: %s', (_, each) => {
    expect(judge('twilio', each, keys)).toBe('valid');
  });

  test('behind a proxy, by the URL in the keys', () => {
    const proxied = { twilio: { auth_token: TOKEN, url: 'wss://rec.example.com/voice/' } };
    const inside = request(sign(`wss://rec.example.com/voice${TARGET}`), '10.0.0.7:8000');
    expect(judge('twilio', inside, proxied)).toBe('valid');
    expect(judge('twilio', inside, keys)).not.toBe('valid');
    expect(judge('twilio', request(sign(`wss://10.0.0.7:8000${TARGET}`), '10.0.0.7:8000'), proxied)).not.toBe('valid');
  });

  test.each([
    ['none', request(undefined)],
    ['an empty one', request('')],
    ['by another token', request(sign(`wss://rec.example.com${TARGET}`, 'x'))],
    ['of another account', request(sign('wss://rec.example.com/v2/accounts/b/streams/twilio'))],
    ['of another host', request(sign(`wss://evil.example.com${TARGET}`))],
    ['of a host that is not there', { target: TARGET, headers: { 'x-twilio-signature': sign(`wss://${TARGET}`) } }],
    ['with another query', request(sign(`wss://rec.example.com${TARGET}?a=2`), undefined, `${TARGET}?a=1`)],
  ])('refused: %s', (_, each) => {
    expect(judge('twilio', each, keys)).toMatchObject({ refused: expect.any(String) });
  });
});

describe('Plivo', () => {
  const keys: StreamKeys = { plivo: { auth_token: 'plivo-auth-token' } };
  const sign = (text: string): string => createHmac('sha256', 'plivo-auth-token').update(text).digest('base64');
  const request = (headers: Record<string, string>): SignedRequest => ({
    target: '/streams/plivo',
    headers: { host: 'rec.example.com', ...headers },
  });
  const url = 'wss://rec.example.com/streams/plivo';

  test.each([
    ['V3', { 'x-plivo-signature-v3': sign(`${url}.123`), 'x-plivo-signature-v3-nonce': '123' }],
    ['V3 among several', { 'x-plivo-signature-v3': `AAAA,${sign(`${url}.123`)}`, 'x-plivo-signature-v3-nonce': '123' }],
    ['V3 of the main account', { 'x-plivo-signature-ma-v3': sign(`${url}.123`), 'x-plivo-signature-v3-nonce': '123' }],
    ['V2', { 'x-plivo-signature-v2': sign(`${url}123`), 'x-plivo-signature-v2-nonce': '123' }],
  ])('taken: %s', (_, headers) => {
    expect(judge('plivo', request(headers), keys)).toBe('valid');
  });

  test.each([
    ['none', {}],
    ['no nonce', { 'x-plivo-signature-v3': sign(`${url}.`) }],
    ['another nonce', { 'x-plivo-signature-v3': sign(`${url}.123`), 'x-plivo-signature-v3-nonce': '124' }],
  ])('refused: %s', (_, headers) => {
    expect(judge('plivo', request(headers), keys)).toMatchObject({ refused: expect.any(String) });
  });
});

test('Telnyx sends the streaming token that the account has set', () => {
  const keys: StreamKeys = { telnyx: { auth_token: 'streaming-token' } };
  const request = (token?: string): SignedRequest => ({
    target: '/',
    headers: { 'x-telnyx-streaming-auth-token': token },
  });
  expect(judge('telnyx', request('streaming-token'), keys)).toBe('valid');
  for (const token of [undefined, '', 'streaming-toke', 'streaming-token ']) {
    expect(judge('telnyx', request(token), keys)).toMatchObject({ refused: expect.any(String) });
  }
});

test('without a key, and for kinds that sign nothing, the token of the account decides', () => {
  for (const kind of ['twilio', 'plivo', 'telnyx', 'audiohook']) {
    expect(judge(kind, WALKTHROUGH, undefined)).toBe('unkeyed');
    expect(judge(kind, WALKTHROUGH, {})).toBe('unkeyed');
  }
  expect(judge('vonage', WALKTHROUGH, GENESYS)).toBe('unkeyed');
});

test('whatever headers come, nothing is thrown and nothing is valid', () => {
  const all: StreamKeys = {
    ...GENESYS,
    twilio: { auth_token: 'abcdefgh' },
    plivo: { auth_token: 'abcdefgh' },
    telnyx: { auth_token: 'abcdefgh' },
  };
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(PARAMETERS, 'sig1=("a', '("@authority");a=1', '=()', 'a=(),a=()', API_KEY),
  );
  const names = [
    ...['host', 'x-api-key', 'signature', 'signature-input', 'x-twilio-signature', 'x-telnyx-streaming-auth-token'],
    ...['x-plivo-signature-v3', 'x-plivo-signature-v3-nonce', 'audiohook-session-id'],
  ];
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.constantFrom(...names), text), (target, headers) => {
      for (const kind of Object.keys(all)) {
        expect(judge(kind, { target, headers }, all, CREATED)).toMatchObject({ refused: expect.any(String) });
      }
    }),
    { numRuns: 300 },
  );
});

test('signature fields: what is not of their grammar can not be read', () => {
  const fields = [
    '',
    '=',
    'a',
    'a=',
    'a=(',
    'a=("x',
    'a=("x")x',
    'a=("x" y)',
    'a=("x");b',
    'a=("x");b=1.5',
    'a=("x");b=1;b=2',
    'a=(),',
    'A=()',
    'a=() b=()',
    'a="x"',
  ];
  for (const text of fields) expect(signatureInputs(text), text).toBeUndefined();
  expect(signatureInputs(`a=(${'"x" '.repeat(5000)})`)).toBeUndefined();
  expect(signatureInputs('a=( "x"  "y" ); b=1 ,  c=()')).toEqual([
    { label: 'a', components: ['x', 'y'], parameters: new Map([['b', 1]]), canonical: '("x" "y");b=1' },
    { label: 'c', components: [], parameters: new Map(), canonical: '()' },
  ]);
  for (const text of ['', 'a=AAAA', 'a=:AAAA', 'a=:A A:', 'a=:AAAA:,'])
    expect(signatureBytes(text), text).toBeUndefined();
});

test('nonces are forgotten with the signatures they were in, and so many are remembered at once', () => {
  const nonces = new SeenNonces();
  expect(nonces.isNew('a', 0)).toBe(true);
  expect(nonces.isNew('a', 19)).toBe(false);
  expect(nonces.isNew('a', 20)).toBe(true);
  for (let each = 0; each < 99_999; each++) nonces.isNew(`${each}`, 21);
  expect(nonces.isNew('one more', 21)).toBe(false);
  expect(nonces.isNew('one more', 41)).toBe(true);
});

test('every URL that may have been signed names this host and this path', () => {
  for (const url of requestUrls({ target: '/a?b', headers: { host: 'h' } })) {
    expect(url).toMatch(/^(?:wss?|https?):\/\/h(?::443|:80)?\/a\/?(?:\?b)?$/);
  }
});
