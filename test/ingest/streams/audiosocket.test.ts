import { audiosocketKind } from '../../../src/ingest/streams/audiosocket.ts';
import { testDialect } from './dialect-contract.ts';

const frame = (kind: number, payload: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([Buffer.of(kind, payload.length >> 8, payload.length & 0xff), payload]);

const UUID = Buffer.from('40325ec25efd4bd3805f53576e581d13', 'hex');
const begin = {
  kind: 'begin',
  about: {
    streamId: '40325ec2-5efd-4bd3-805f-53576e581d13',
    parameters: { uuid: '40325ec2-5efd-4bd3-805f-53576e581d13' },
  },
} as const;
const pcm = (samples: number, first = 1): Buffer => {
  const bytes = Buffer.alloc(samples * 2);
  for (let at = 0; at < samples; at++) bytes.writeInt16LE(first + at, at * 2);
  return bytes;
};
const format = (sampleRate: number) =>
  ({ kind: 'format', format: { encoding: 'l16le', sampleRate, channels: 1 } }) as const;
const audio = (bytes: Buffer) => ({ kind: 'audio', track: 'both', bytes }) as const;
const digit = (key: string) => ({ kind: 'digit', track: 'both', digit: key }) as const;
const end = (reason: string) => ({ kind: 'end', reason }) as const;

testDialect(audiosocketKind, [
  {
    name: 'a call with a code, hung up',
    messages: [
      frame(1, UUID),
      frame(0x10, pcm(160)),
      frame(3, Buffer.from('*')),
      frame(3, Buffer.from('7')),
      frame(0x10, pcm(160, 500)),
      frame(0),
    ],
    told: [begin, format(8000), audio(pcm(160)), digit('*'), digit('7'), audio(pcm(160, 500)), end('hangup')],
  },
  {
    name: 'one that is cut off in a frame',
    messages: [frame(1, UUID), frame(0x12, pcm(320)), frame(0x12, pcm(320)).subarray(0, 100)],
    told: [begin, format(16_000), audio(pcm(320)), end('closed')],
  },
  ...[8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000].map((rate, index) => ({
    name: `audio at ${rate} Hz, an error, a kind nobody knows, a frame of the greatest length`,
    messages: [
      frame(1, UUID),
      frame(0xff, Buffer.of(4)),
      frame(0x40, pcm(3)),
      frame(0x10 + index, Buffer.alloc(65_534, 7)),
      frame(3, Buffer.from('d')),
    ],
    told: [begin, format(rate), audio(Buffer.alloc(65_534, 7)), digit('D'), end('closed')],
  })),
]);
