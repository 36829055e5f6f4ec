import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FrameDecoder } from '../../../src/media/codec.ts';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import { STATIC_PAYLOAD_TYPES, type WireCodec } from '../../../src/media/wire-codec.ts';

const wire = (name: string, clockRate: number, channels = 1, fmtp?: string): WireCodec => ({
  name,
  clockRate,
  channels,
  ...(fmtp === undefined ? {} : { fmtp }),
});

const KNOWN = [
  { wire: wire('PCMU', 8000), by: 'native', rate: 8000 },
  { wire: wire('PCMA', 8000, 2), by: 'native', rate: 8000 },
  { wire: wire('L16', 44_100, 2), by: 'native', rate: 44_100 },
  { wire: wire('G722', 8000), by: 'native', rate: 16_000 },
  { wire: wire('OPUS', 48_000, 2), by: 'native', rate: 48_000 },
  { wire: wire('TELEPHONE-EVENT', 8000), by: 'none', rate: 8000 },
  { wire: wire('CN', 8000), by: 'none', rate: 8000 },
  { wire: wire('G729', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('GSM', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('G723', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('ILBC', 8000, 1, 'mode=20'), by: 'ffmpeg', rate: 8000 },
  { wire: wire('G726-16', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('G726-24', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('G726-32', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('G726-40', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('AMR', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('AMR', 8000, 1, 'octet-align=1; crc=1'), by: 'ffmpeg', rate: 8000 },
  { wire: wire('AMR-WB', 16_000, 1, 'octet-align=1'), by: 'ffmpeg', rate: 16_000 },
  { wire: wire('SPEEX', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('SPEEX', 16_000), by: 'ffmpeg', rate: 16_000 },
  { wire: wire('SPEEX', 32_000), by: 'ffmpeg', rate: 32_000 },
  { wire: wire('DVI4', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('G728', 8000), by: 'ffmpeg', rate: 8000 },
  { wire: wire('QCELP', 8000), by: 'ffmpeg', rate: 8000 },
];

test.each(KNOWN)('$wire.name/$wire.clockRate/$wire.channels is decoded by $by at $rate Hz', (row) => {
  const codec = codecFor(row.wire)!;
  expect(codec.wire).toBe(row.wire);
  expect(codec.decodedBy).toBe(row.by);
  expect(codec.sampleRate).toBe(row.rate);
  expect(codec.createDecoder !== undefined).toBe(row.by === 'native');
});

test.each([
  wire('H264', 90_000),
  wire('MPA', 90_000),
  wire('LPC', 8000),
  wire('', 8000),
  wire('CONSTRUCTOR', 8000),
  wire('PCMU', 0),
  wire('PCMU', Number.NaN),
  wire('PCMU', 8000, 0),
  wire('L16', 4000),
  wire('L16', 200_000),
  wire('G722', 48_000),
  wire('G722', 8000, 2),
  wire('OPUS', 44_100),
  wire('SPEEX', 44_100),
])('$name/$clockRate/$channels is unknown', (unknown) => expect(codecFor(unknown)).toBeUndefined());

test('names compare without case', () => {
  expect(codecFor(wire('pcmu', 8000))?.decodedBy).toBe('native');
  expect(codecFor(wire('opus', 48_000, 2))?.decodedBy).toBe('native');
});

test('every static audio payload type is known but LPC and MPEG audio', () => {
  const unknown = [...STATIC_PAYLOAD_TYPES.values()].filter((codec) => codecFor(codec) === undefined);
  expect(unknown.map(({ name }) => name)).toEqual(['LPC', 'MPA']);
});

describe('random bytes', () => {
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 200, maxLength: 2000 }),
    fc.constant(new Uint8Array(70_000).fill(0xff)),
  );

  test.each(KNOWN)(
    '$wire.name/$wire.clockRate/$wire.channels: a duration is a whole number of ticks, never thrown',
    (row) => {
      const codec = codecFor(row.wire)!;
      fc.assert(
        fc.property(payloads, (payload) => {
          const ticks = codec.duration(payload);
          expect(Number.isSafeInteger(ticks) && ticks >= 0).toBe(true);
        }),
        { numRuns: 300, seed: 3 },
      );
    },
  );

  test.each(KNOWN.filter(({ by }) => by === 'native'))(
    '$wire.name/$wire.clockRate/$wire.channels: decoding writes what it says, as long as the duration, within the output',
    async (row) => {
      const codec = codecFor(row.wire)!;
      const decoder: FrameDecoder = await codec.createDecoder!();
      const CANARY = 12_345;
      fc.assert(
        fc.property(payloads, fc.nat(3000), fc.boolean(), (payload, room, fits) => {
          const samples = (codec.duration(payload) * codec.sampleRate) / codec.wire.clockRate;
          const length = fits ? samples : Math.min(room, samples);
          const around = new Int16Array(length + 20).fill(CANARY);
          const written = decoder.decode(payload, around.subarray(10, 10 + length));
          if (fits) expect(written).toBe(samples);
          expect(written).toBeLessThanOrEqual(length);
          expect(around.subarray(0, 10).every((sample) => sample === CANARY)).toBe(true);
          expect(around.subarray(10 + written).every((sample) => sample === CANARY)).toBe(true);
        }),
        { numRuns: 200, seed: 4 },
      );
      decoder.reset();
      decoder.close();
    },
  );
});
