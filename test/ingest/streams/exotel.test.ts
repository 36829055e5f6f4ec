import { exotelKind } from '../../../src/ingest/streams/exotel.ts';
import { testDialect } from './dialect-contract.ts';
import { audio, audioBytes, base64, digit, end, said } from './json-words.ts';
import { describeRefusals } from './refusals.ts';
import type { Told } from './told.ts';

const SID = { stream_sid: 's-1' };
const start = (media_format: unknown = { encoding: 'base64', sample_rate: '8000', bit_rate: '128kbps' }): string =>
  said({
    event: 'start',
    sequence_number: '1',
    ...SID,
    start: {
      ...SID,
      call_sid: 'call-1',
      account_sid: 'acct',
      from: '+910000000001',
      to: '+911800000000',
      custom_parameters: { user_id: 'alice' },
      media_format,
    },
  });
const media = (chunk: number, timestamp: number, bytes: Uint8Array, track?: string): string =>
  said({
    event: 'media',
    sequence_number: chunk + 1,
    ...SID,
    media: { chunk: `${chunk}`, timestamp: `${timestamp}`, payload: base64(bytes), track },
  });
const begin = (encoding: string, sampleRate: number): Told => ({
  kind: 'begin',
  about: {
    streamId: 's-1',
    callId: 'call-1',
    from: '+910000000001',
    to: '+911800000000',
    format: { encoding: encoding as 'l16le', sampleRate, channels: 1 },
    parameters: { user_id: 'alice' },
  },
});

testDialect(exotelKind, [
  {
    name: 'messages of 100 ms, a track that has no name, a key with its duration',
    messages: [
      said({ event: 'connected' }),
      start(),
      media(1, 100, audioBytes(1600)),
      said({ event: 'dtmf', ...SID, sequence_number: '3', dtmf: { digit: '*', duration: '140', finished: true } }),
      media(2, 200, audioBytes(1600, 2)),
      said({ event: 'clear', ...SID }),
      said({ event: 'stop', ...SID, stop: { call_sid: 'call-1', account_sid: 'acct', reason: 'callended' } }),
    ],
    told: [
      begin('l16le', 8000),
      audio('both', audioBytes(1600), { atMs: 100, sequence: 1 }),
      digit('both', '*'),
      audio('both', audioBytes(1600, 2), { atMs: 200, sequence: 2 }),
      end('stop'),
    ],
  },
  {
    name: 'both tracks by their names',
    messages: [start(), media(1, 100, audioBytes(320), 'inbound'), media(1, 100, audioBytes(320, 3), 'outbound')],
    told: [
      begin('l16le', 8000),
      audio('a', audioBytes(320), { atMs: 100, sequence: 1 }),
      audio('b', audioBytes(320, 3), { atMs: 100, sequence: 1 }),
      end('closed'),
    ],
  },
  ...(
    [
      [undefined, 'l16le', 8000],
      [{ encoding: 'base64', sample_rate: 24_000 }, 'l16le', 24_000],
      [{ encoding: 'audio/x-l16', sample_rate: '16000' }, 'l16le', 16_000],
      [{ encoding: 'audio/x-mulaw', sample_rate: 8000 }, 'pcmu', 8000],
      [{ encoding: 'slin', sample_rate: 8000, bit_rate: 16 }, 'l16le', 8000],
    ] as const
  ).map(([format, encoding, rate]) => ({
    name: `format ${JSON.stringify(format)}`,
    messages: [start(format ?? null)],
    told: [begin(encoding, rate), end('closed')],
  })),
]);

describeRefusals(exotelKind, [
  { name: 'a rate that is no number', messages: [start({ encoding: 'base64', sample_rate: '16kHz' })] },
  { name: 'half a sample', messages: [start(), media(1, 0, audioBytes(3))] },
]);
