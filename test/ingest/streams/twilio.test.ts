import { signalwireKind } from '../../../src/ingest/streams/signalwire.ts';
import { twilioKind } from '../../../src/ingest/streams/twilio.ts';
import { testDialect } from './dialect-contract.ts';
import { audio, audioBytes, base64, digit, end, said } from './json-words.ts';
import { describeRefusals } from './refusals.ts';
import type { Told } from './told.ts';

const SID = { streamSid: 'MZ18ad3ab5a668481ce02b83e7395059f0' };
const PCMU = { encoding: 'pcmu', sampleRate: 8000, channels: 1 } as const;

const connected = said({ event: 'connected', protocol: 'Call', version: '1.0.0' });
const start = (more: object = {}): string =>
  said({
    event: 'start',
    sequenceNumber: '1',
    start: {
      accountSid: 'AC1',
      ...SID,
      callSid: 'CA7',
      tracks: ['inbound', 'outbound'],
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      customParameters: { token: 'x', 'record_call.format': 'wav' },
      ...more,
    },
    ...SID,
  });
const media = (track: string, chunk: number, timestamp: number, bytes: Uint8Array): string =>
  said({
    event: 'media',
    sequenceNumber: '9',
    media: { track, chunk: `${chunk}`, timestamp: `${timestamp}`, payload: base64(bytes) },
    ...SID,
  });
const dtmf = (key: string): string =>
  said({ event: 'dtmf', ...SID, sequenceNumber: '5', dtmf: { track: 'inbound_track', digit: key } });
const stop = said({ event: 'stop', sequenceNumber: '5', ...SID, stop: { accountSid: 'AC1', callSid: 'CA7' } });

const begin = (more: object = {}): Told => ({
  kind: 'begin',
  about: {
    streamId: SID.streamSid,
    callId: 'CA7',
    tracks: ['a', 'b'],
    format: PCMU,
    parameters: { token: 'x', 'record_call.format': 'wav' },
    ...more,
  },
});

testDialect(twilioKind, [
  {
    name: 'a call of two tracks with a code',
    messages: [
      connected,
      start(),
      media('inbound', 1, 5, audioBytes(160)),
      media('outbound', 1, 7, audioBytes(160, 9)),
      dtmf('*'),
      dtmf('7'),
      said({ event: 'mark', sequenceNumber: '4', ...SID, mark: { name: 'x' } }),
      media('inbound', 3, 45, audioBytes(160, 3)),
      media('inbound', 2, 25, audioBytes(160, 2)),
      stop,
      media('inbound', 4, 65, audioBytes(160, 4)),
    ],
    told: [
      begin(),
      audio('a', audioBytes(160), { atMs: 5, sequence: 1 }),
      audio('b', audioBytes(160, 9), { atMs: 7, sequence: 1 }),
      digit('a', '*'),
      digit('a', '7'),
      audio('a', audioBytes(160, 3), { atMs: 45, sequence: 3 }),
      audio('a', audioBytes(160, 2), { atMs: 25, sequence: 2 }),
      end('stop'),
    ],
  },
  {
    name: 'numbers as numbers, no format, one track that messages do not name, no parameters, cut off',
    messages: [
      start({ tracks: ['outbound'], mediaFormat: undefined, customParameters: undefined }),
      said({ event: 'media', media: { chunk: 1, timestamp: 20, payload: base64(audioBytes(20)) } }),
      said({ event: 'media', media: { chunk: 'x', timestamp: '-4', payload: '' } }),
      said({
        event: 'media',
        media: { chunk: 1.5, timestamp: '1e3', payload: base64(audioBytes(8)).replace(/=+$/, '') },
      }),
      said({ event: 'dtmf', dtmf: { digit: 'd' } }),
      said({ event: 'dtmf', dtmf: { digit: 'flash' } }),
      said({ event: 'news' }),
    ],
    told: [
      begin({ tracks: ['b'], parameters: {} }),
      audio('b', audioBytes(20), { atMs: 20, sequence: 1 }),
      audio('b', audioBytes(8), {}),
      digit('b', 'D'),
      end('closed'),
    ],
  },
  ...(['0', '1700000000'] as const).map((first) => ({
    name: `timestamps that stand still at ${first}, and are not believed`,
    messages: [
      start(),
      ...[1, 2, 3, 4, 5, 6].map((chunk) => media('inbound', chunk, Number(first), audioBytes(160, chunk))),
    ],
    told: [
      begin(),
      ...[1, 2, 3, 4, 5, 6].map((chunk) => {
        const place = chunk < 4 ? { atMs: Number(first), sequence: chunk } : { sequence: chunk };
        return audio('a', audioBytes(160, chunk), place);
      }),
      end('closed'),
    ],
  })),
  { name: 'nothing at all', messages: [], told: [end('closed')] },
]);

testDialect(signalwireKind, [
  ...(
    [
      ['audio/x-l16', 16_000],
      ['L16@24000h', 24_000],
    ] as const
  ).map(([encoding, sampleRate]) => ({
    name: `linear audio called ${encoding}`,
    messages: [
      connected,
      start({ mediaFormat: { encoding, sampleRate, channels: 1 } }),
      media('inbound', 1, 20, audioBytes(640)),
      stop,
    ],
    told: [
      begin({ format: { encoding: 'l16le', sampleRate, channels: 1 } }),
      audio('a', audioBytes(640), { atMs: 20, sequence: 1 }),
      end('stop'),
    ],
  })),
]);

const format = (encoding: unknown, sampleRate: unknown, channels: unknown = 1) =>
  start({ mediaFormat: { encoding, sampleRate, channels } });

describeRefusals(twilioKind, [
  { name: 'media before start', messages: [connected, media('inbound', 1, 5, audioBytes(4))] },
  { name: 'a digit before start', messages: [dtmf('1')] },
  { name: 'a second start', messages: [start(), start()] },
  { name: 'start without its object', messages: [said({ event: 'start' })] },
  { name: 'a binary message', messages: [start(), audioBytes(4)] },
  { name: 'text that is no JSON', messages: [start(), 'media'] },
  { name: 'no event', messages: [said({ start: {} })] },
  { name: 'a rate that there is none of', messages: [format('audio/x-mulaw', 11_025)] },
  { name: 'a rate of linear audio that there is none of', messages: [format('audio/x-l16', 7999)] },
  { name: 'a rate beyond numbers', messages: [format('audio/x-l16', '1e999')] },
  { name: 'an encoding that there is none of', messages: [format('constructor', 8000)] },
  { name: 'two channels', messages: [format('audio/x-mulaw', 8000, 2)] },
  { name: 'a track that is none', messages: [start(), media('constructor', 1, 5, audioBytes(4))] },
  { name: 'both tracks in one', messages: [start(), media('both_tracks', 1, 5, audioBytes(4))] },
  ...['*', 'A', 'AAAAA', 'AA=A', 'AAAA====', 'AA AA', 'AAA\u0000', 'ÄÄÄÄ', 7, null, {}, ['AAAA'], undefined].map(
    (payload) => ({
      name: `a payload that is no base64: ${JSON.stringify(payload)}`,
      messages: [start(), said({ event: 'media', media: { track: 'inbound', payload } })],
    }),
  ),
  {
    name: 'more audio in a message than anyone sends',
    messages: [start(), said({ event: 'media', media: { track: 'inbound', payload: 'A'.repeat(131_076) } })],
  },
  {
    name: 'more parameters than anyone needs',
    messages: [start({ customParameters: Object.fromEntries(Array.from({ length: 129 }, (_, at) => [`p${at}`, ''])) })],
  },
]);

describeRefusals(signalwireKind, [
  {
    name: 'half a sample',
    messages: [format('audio/x-l16', 16_000), media('inbound', 1, 5, audioBytes(639))],
  },
]);
