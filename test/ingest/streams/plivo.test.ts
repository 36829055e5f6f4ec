import { plivoKind } from '../../../src/ingest/streams/plivo.ts';
import { testDialect } from './dialect-contract.ts';
import { audio, audioBytes, base64, digit, end, said } from './json-words.ts';
import { describeRefusals } from './refusals.ts';
import type { Told } from './told.ts';

const ID = '87654321-4321-4321-4321-cba987654321';
const start = (mediaFormat: unknown, extra_headers?: unknown, tracks: unknown = ['inbound', 'outbound']): string =>
  said({
    event: 'start',
    sequenceNumber: 0,
    start: { callId: 'call-1', streamId: ID, accountId: 'MA', tracks, mediaFormat },
    extra_headers,
  });
const media = (track: string, chunk: number, timestamp: number | string, bytes: Uint8Array): string =>
  said({
    event: 'media',
    sequenceNumber: chunk,
    streamId: ID,
    media: { track, chunk, timestamp, payload: base64(bytes) },
    extra_headers: 'userId=12345;sessionId=abc',
  });
const begin = (encoding: string, sampleRate: number, parameters: object = {}): Told => ({
  kind: 'begin',
  about: {
    streamId: ID,
    callId: 'call-1',
    tracks: ['a', 'b'],
    format: { encoding: encoding as 'pcmu', sampleRate, channels: 1 },
    parameters: parameters as Record<string, unknown>,
  },
});
const L16 = { encoding: 'audio/x-l16', sampleRate: 16_000 };
const T0 = 1_705_312_200_000;

testDialect(plivoKind, [
  {
    name: 'times since 1970 count from the first of them',
    messages: [
      start(L16, 'userId=12345;sessionId=abc-xyz'),
      media('inbound', 1, `${T0}`, audioBytes(640)),
      media('outbound', 1, T0 + 4, audioBytes(640, 5)),
      media('inbound', 2, `${T0 + 20}`, audioBytes(640, 2)),
      media('outbound', 2, T0 - 16, audioBytes(640, 6)),
      said({
        event: 'dtmf',
        streamId: ID,
        sequenceNumber: 9,
        dtmf: { track: 'inbound', digit: '5', timestamp: `${T0}` },
      }),
      said({ event: 'dtmf', streamId: ID, digit: '6', track: 'outbound' }),
      said({ event: 'playedStream', streamId: ID, name: 'x' }),
      said({ event: 'stop', streamId: ID }),
    ],
    told: [
      begin('l16le', 16_000, { userId: '12345', sessionId: 'abc-xyz' }),
      audio('a', audioBytes(640), { atMs: 0, sequence: 1 }),
      audio('b', audioBytes(640, 5), { atMs: 4, sequence: 1 }),
      audio('a', audioBytes(640, 2), { atMs: 20, sequence: 2 }),
      audio('b', audioBytes(640, 6), { atMs: -16, sequence: 2 }),
      digit('a', '5'),
      digit('b', '6'),
      end('stop'),
    ],
  },
  ...[
    { headers: 'a=1,X-PH-token=abc', parameters: { a: '1', token: 'abc' } },
    { headers: '{"X-PH-token":"abc","a":1}', parameters: { token: 'abc', a: 1 } },
    { headers: { a: 1 }, parameters: { a: 1 } },
    { headers: '{}', parameters: {} },
    { headers: '{', parameters: {} },
    { headers: '=;=,;a', parameters: {} },
    { headers: '__proto__=1', parameters: JSON.parse('{"__proto__":"1"}') as object },
    { headers: 7, parameters: {} },
    { headers: null, parameters: {} },
  ].map(({ headers, parameters }) => ({
    name: `extra headers ${JSON.stringify(headers)}`,
    messages: [start({ encoding: 'audio/x-mulaw', sampleRate: 8000 }, headers)],
    told: [begin('pcmu', 8000, parameters), end('closed')],
  })),
  {
    name: 'a rate behind the encoding',
    messages: [start({ encoding: 'audio/x-l16;rate=8000' })],
    told: [begin('l16le', 8000), end('closed')],
  },
]);

describeRefusals(plivoKind, [
  { name: 'a format that is not told', messages: [start(undefined)] },
  { name: 'a rate that there is none of', messages: [start({ encoding: 'audio/x-l16', sampleRate: 4000 })] },
  { name: 'half a sample', messages: [start(L16), media('inbound', 1, T0, audioBytes(641))] },
]);
