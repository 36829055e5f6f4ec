import { telnyxKind } from '../../../src/ingest/streams/telnyx.ts';
import { testDialect } from './dialect-contract.ts';
import { audio, audioBytes, base64, digit, end, said } from './json-words.ts';
import { describeRefusals } from './refusals.ts';
import type { Told } from './told.ts';

const ID = { stream_id: '32DE0DEA-53CB-4B21-89A4-9E1819C043BC' };
const start = (media_format: unknown, more: object = {}): string =>
  said({
    event: 'start',
    sequence_number: '1',
    ...ID,
    start: {
      user_id: 'u',
      call_control_id: 'v2:T02llQxIyaRkhfRK',
      call_session_id: 'ff55a038',
      from: '+13122010094',
      to: '+13122123456',
      tags: ['x'],
      client_state: 'aGF2ZSBhIG5pY2UgZGF5ID1d',
      custom_parameters: { call_id: 'c-1' },
      media_format,
      ...more,
    },
  });
const media = (track: string, chunk: number, timestamp: number, bytes: Uint8Array): string =>
  said({
    event: 'media',
    sequence_number: `${chunk + 3}`,
    ...ID,
    media: { track, chunk: `${chunk}`, timestamp: `${timestamp}`, payload: base64(bytes) },
  });
const begin = (format: object, more: object = {}): Told => ({
  kind: 'begin',
  about: {
    streamId: ID.stream_id,
    callId: 'v2:T02llQxIyaRkhfRK',
    from: '+13122010094',
    to: '+13122123456',
    format: format as never,
    parameters: { call_id: 'c-1' },
    ...more,
  },
});

/** What Telnyx says, and what the audio is. */
const FORMATS = [
  { said: { encoding: 'PCMU', sample_rate: 8000, channels: 1 }, is: ['pcmu', 8000] },
  { said: { encoding: 'PCMA', sample_rate: '8000', channels: '1' }, is: ['pcma', 8000] },
  { said: { encoding: 'G722', sample_rate: 8000, channels: 1 }, is: ['g722', 16_000] },
  { said: { encoding: 'G722', sample_rate: 16_000, channels: 1 }, is: ['g722', 16_000] },
  { said: { encoding: 'OPUS', sample_rate: 16_000, channels: 1 }, is: ['opus', 16_000] },
  { said: { encoding: 'AMR-WB', sample_rate: 16_000, channels: 1 }, is: ['amr-wb', 16_000] },
  { said: { encoding: 'L16', sample_rate: 16_000, channels: 1 }, is: ['l16le', 16_000] },
  { said: { encoding: 'L16', sample_rate: 22_050, channels: 1 }, is: ['l16le', 22_050] },
  { said: { encoding: 'L16', sample_rate: 16_000 }, query: { endianness: 'big' }, is: ['l16be', 16_000] },
  { said: { encoding: 'PCMU' }, query: { endianness: 'big' }, is: ['pcmu', 8000] },
] as const;

testDialect(telnyxKind, [
  {
    name: 'two tracks out of order, each message with its number and time',
    messages: [
      said({ event: 'connected', version: '1.0.0', 'x-telnyx-streaming-auth-token': 'x' }),
      start(FORMATS[0].said),
      media('inbound', 3, 45, audioBytes(160, 3)),
      media('outbound', 1, 5, audioBytes(160, 9)),
      media('inbound', 1, 5, audioBytes(160, 1)),
      said({ event: 'dtmf', ...ID, occurred_at: '2026-01-01T00:00:00Z', sequence_number: '7', dtmf: { digit: '#' } }),
      media('inbound', 2, 25, audioBytes(160, 2)),
      said({ event: 'error', ...ID, payload: { code: 100_003, title: 'malformed_frame', detail: 'x' } }),
      said({ event: 'stop', ...ID, sequence_number: '8', stop: { user_id: 'u', call_control_id: 'v2:T' } }),
    ],
    told: [
      begin({ encoding: 'pcmu', sampleRate: 8000, channels: 1 }),
      audio('a', audioBytes(160, 3), { atMs: 45, sequence: 3 }),
      audio('b', audioBytes(160, 9), { atMs: 5, sequence: 1 }),
      audio('a', audioBytes(160, 1), { atMs: 5, sequence: 1 }),
      digit('a', '#'),
      audio('a', audioBytes(160, 2), { atMs: 25, sequence: 2 }),
      end('stop'),
    ],
  },
  ...FORMATS.map((row) => ({
    name: `${JSON.stringify(row.said)} ${JSON.stringify('query' in row ? row.query : {})}`,
    request: 'query' in row ? { query: row.query } : {},
    messages: [start(row.said), media('inbound', 1, 5, audioBytes(60))],
    told: [
      begin({ encoding: row.is[0], sampleRate: row.is[1], channels: 1 }),
      audio('a', audioBytes(60), { atMs: 5, sequence: 1 }),
      end('closed'),
    ],
  })),
]);

describeRefusals(telnyxKind, [
  { name: 'a format that is not told', messages: [start(undefined)] },
  { name: 'G.711 at another rate', messages: [start({ encoding: 'PCMU', sample_rate: 16_000, channels: 1 })] },
  { name: 'AMR-WB at another rate', messages: [start({ encoding: 'AMR-WB', sample_rate: 8000, channels: 1 })] },
  { name: 'a codec that there is none of', messages: [start({ encoding: 'G729', sample_rate: 8000, channels: 1 })] },
  { name: 'two channels', messages: [start({ encoding: 'L16', sample_rate: 8000, channels: 2 })] },
  {
    name: 'half a big-endian sample',
    request: { query: { endianness: 'big' } },
    messages: [start({ encoding: 'L16', sample_rate: 8000 }), media('inbound', 1, 5, audioBytes(3))],
  },
]);
