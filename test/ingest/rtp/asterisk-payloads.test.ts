import { expect, test } from 'vitest';
import { ASTERISK_PAYLOADS } from '../../../src/ingest/rtp/asterisk-payloads.ts';
import { PayloadCodecs } from '../../../src/ingest/rtp/payload-codecs.ts';
import { formatWireCodec } from '../../../src/media/wire-codec.ts';

const payloads = PayloadCodecs.of(ASTERISK_PAYLOADS);

for (const [payloadType, expected] of [
  [0, 'PCMU/8000'],
  [8, 'PCMA/8000'],
  [9, 'G722/8000'],
  [10, 'L16/8000'],
  [11, 'L16/8000'],
  [18, 'G729/8000'],
  [97, 'ILBC/8000'],
  [101, 'TELEPHONE-EVENT/8000'],
  [107, 'OPUS/48000/2'],
  [110, 'SPEEX/8000'],
  [111, 'G726-32/8000'],
  [112, 'AAL2-G726-32/8000'],
  [117, 'SPEEX/16000'],
  [118, 'L16/16000'],
  [119, 'SPEEX/32000'],
  [96, undefined],
] as const) {
  test(`${payloadType} is ${expected ?? 'unknown'} where Asterisk sends`, () => {
    const codec = payloads.codecOf(payloadType);
    expect(codec && formatWireCodec(codec)).toBe(expected);
  });
}
