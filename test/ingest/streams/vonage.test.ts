import { vonageKind } from '../../../src/ingest/streams/vonage.ts';
import { testDialect } from './dialect-contract.ts';
import { audio, audioBytes, digit, end, said } from './json-words.ts';
import { describeRefusals } from './refusals.ts';
import type { Told } from './told.ts';

const connected = (contentType: unknown = 'audio/l16;rate=16000', more: object = {}): string =>
  said({ event: 'websocket:connected', 'content-type': contentType, call_id: 'c-1', ...more });
const begin = (sampleRate: number, parameters: object = { call_id: 'c-1' }, more: object = {}): Told => ({
  kind: 'begin',
  about: {
    format: { encoding: 'l16le', sampleRate, channels: 1 },
    parameters: parameters as Record<string, unknown>,
    ...more,
  },
});

testDialect(vonageKind, [
  {
    name: 'JSON first, then binary, a code between',
    messages: [
      connected(),
      audioBytes(640),
      said({ event: 'websocket:dtmf', digit: '*', duration: 260 }),
      said({ event: 'websocket:dtmf', dtmf: { digit: '7' } }),
      audioBytes(640, 3),
      said({ event: 'websocket:notify', payload: {} }),
      new Uint8Array(0),
      audioBytes(320, 5),
    ],
    told: [
      begin(16_000),
      audio('both', audioBytes(640)),
      digit('both', '*'),
      digit('both', '7'),
      audio('both', audioBytes(640, 3)),
      audio('both', audioBytes(320, 5)),
      end('closed'),
    ],
  },
  {
    name: 'the headers of the NCCO and the ids of the call',
    messages: [connected('audio/l16; rate=8000', { uuid: 'u-1', record_call: { format: 'wav' } })],
    told: [
      begin(8000, { call_id: 'c-1', uuid: 'u-1', record_call: { format: 'wav' } }, { callId: 'u-1' }),
      end('closed'),
    ],
  },
  {
    name: 'a first message without a name',
    messages: [said({ 'content-type': 'audio/l16;rate=24000' })],
    told: [begin(24_000, {}), end('closed')],
  },
]);

describeRefusals(vonageKind, [
  { name: 'audio before anything', messages: [audioBytes(640)] },
  { name: 'a first message without a content type', messages: [said({ event: 'websocket:connected' })] },
  { name: 'another encoding', messages: [connected('audio/x-mulaw;rate=8000')] },
  { name: 'a rate that there is none of', messages: [connected('audio/l16;rate=123')] },
  { name: 'a second first message', messages: [connected(), connected()] },
  { name: 'half a sample', messages: [connected(), audioBytes(639)] },
  { name: 'more than anyone sends at once', messages: [connected(), new Uint8Array(96_002)] },
  { name: 'text that is no JSON', messages: [connected(), 'websocket:dtmf'] },
]);
