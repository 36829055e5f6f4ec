import { expect, test } from 'vitest';
import { pcmKind } from '../../../src/ingest/streams/pcm.ts';
import { pcmTcpKind } from '../../../src/ingest/streams/pcm-tcp.ts';
import { pcmFormat } from '../../../src/ingest/streams/raw-pcm.ts';
import { rtpengineKind } from '../../../src/ingest/streams/rtpengine.ts';
import { testDialect } from './dialect-contract.ts';

const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, at) => at % 251));
const audio = (from: Buffer) => ({ kind: 'audio', track: 'both', bytes: from }) as const;
const end = { kind: 'end', reason: 'closed' } as const;
const mono = { encoding: 'l16le', sampleRate: 8000, channels: 1 } as const;
const stereo = { encoding: 'l16le', sampleRate: 16_000, channels: 2 } as const;

testDialect(pcmKind, [
  {
    name: 'one channel, as it is when nobody says',
    messages: [bytes(641)],
    told: [{ kind: 'begin', about: { format: mono, parameters: {} } }, audio(bytes(640)), end],
  },
  {
    name: 'two channels, half a sample at the end',
    request: { query: { rate: '16000', channels: '2', encoding: 's16le' } },
    messages: [bytes(1283)],
    told: [{ kind: 'begin', about: { format: stereo, parameters: {} } }, audio(bytes(1280)), end],
  },
  { name: 'nothing', messages: [], told: [{ kind: 'begin', about: { format: mono, parameters: {} } }, end] },
]);

testDialect(pcmTcpKind, [
  {
    name: 'a line of words, then samples',
    messages: [Buffer.from('token=KEY&call_id=c1&leg=b&rate=16000&channels=2\r\n'), bytes(1281)],
    told: [
      { kind: 'begin', about: { format: stereo, parameters: { token: 'KEY', call_id: 'c1', leg: 'b' } } },
      audio(bytes(1280)),
      end,
    ],
  },
]);

testDialect(rtpengineKind, [
  {
    name: 'metadata, a NUL, then samples',
    messages: [Buffer.from('token:KEY|call_id:c1|from:sip:alice@example.org|x\0'), bytes(641)],
    told: [
      {
        kind: 'begin',
        about: { format: mono, parameters: { token: 'KEY', call_id: 'c1', from: 'sip:alice@example.org' } },
      },
      audio(bytes(640)),
      end,
    ],
  },
  {
    name: 'no metadata at all',
    messages: [Buffer.of(0), bytes(4)],
    told: [{ kind: 'begin', about: { format: mono, parameters: {} } }, audio(bytes(4)), end],
  },
]);

for (const c of [
  { words: {}, type: 'audio/L16; rate=44100; channels=2', is: { encoding: 'l16be', sampleRate: 44_100, channels: 2 } },
  {
    words: { encoding: 's16le' },
    type: 'audio/L16;rate=16000',
    is: { encoding: 'l16le', sampleRate: 16_000, channels: 1 },
  },
  { words: {}, type: 'audio/basic', is: { encoding: 'pcmu', sampleRate: 8000, channels: 1 } },
  {
    words: { encoding: 'ALAW' },
    type: 'application/octet-stream',
    is: { encoding: 'pcma', sampleRate: 8000, channels: 1 },
  },
]) {
  test(`${JSON.stringify(c.words)} of ${c.type}`, () => expect(pcmFormat(c.words, c.type)).toEqual(c.is));
}

test.each([
  { rate: '4000' },
  { rate: '1e4' },
  { rate: '999999' },
  { channels: '3' },
  { encoding: 'f32le' },
  { rate: '8000.5' },
])('%o is refused', (words) =>
  expect(() => pcmFormat(words)).toThrow(expect.objectContaining({ code: 'STREAM_INVALID' })),
);
