import { OpusDecoder } from 'opus-decoder';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { opusPacketSamples } from '../../../src/media/codecs/opus-packet.ts';
import { seeded } from '../../support/tones.ts';

/** RFC 6716 table 2: frame length in 48 kHz samples by configuration. */
const FRAME = [
  ...[480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880],
  ...[480, 960, 480, 960],
  ...[120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960],
];

test('one frame of every configuration, mono and stereo', () => {
  for (let config = 0; config < 32; config++) {
    for (const stereo of [0, 4])
      expect(opusPacketSamples(Uint8Array.of((config << 3) | stereo, 1, 2))).toBe(FRAME[config]);
  }
});

const CELT_20 = 0xf8;
const SILK_60 = 0x18;
const filled = (length: number, ...first: number[]): Uint8Array => {
  const packet = new Uint8Array(length);
  packet.set(first);
  return packet;
};

describe('framing', () => {
  test.each([
    { name: 'empty', packet: [], samples: 0 },
    { name: 'one frame of no bytes (DTX)', packet: [CELT_20], samples: 960 },
    { name: 'one frame, the largest', packet: filled(1276, CELT_20), samples: 960 },
    { name: 'one frame, too large', packet: filled(1277, CELT_20), samples: 0 },
    { name: 'two of one size', packet: [CELT_20 | 1, 1, 2], samples: 1920 },
    { name: 'two of one size, odd', packet: [CELT_20 | 1, 1, 2, 3], samples: 0 },
    { name: 'two sizes', packet: [CELT_20 | 2, 1, 7, 8, 9], samples: 1920 },
    { name: 'two sizes, the first takes all', packet: [CELT_20 | 2, 2, 7, 8], samples: 1920 },
    { name: 'two sizes, the first too large', packet: [CELT_20 | 2, 3, 7, 8], samples: 0 },
    { name: 'two sizes without a size', packet: [CELT_20 | 2], samples: 0 },
    { name: 'two sizes, a long size cut off', packet: [CELT_20 | 2, 252], samples: 0 },
    { name: 'two sizes, a long size', packet: filled(3 + 256, CELT_20 | 2, 252, 1), samples: 1920 },
    { name: 'counted: no count', packet: [CELT_20 | 3], samples: 0 },
    { name: 'counted: none', packet: [CELT_20 | 3, 0], samples: 0 },
    { name: 'counted: three of one size', packet: [CELT_20 | 3, 3, 1, 2, 3], samples: 2880 },
    { name: 'counted: three of unequal rest', packet: [CELT_20 | 3, 3, 1, 2, 3, 4], samples: 0 },
    { name: 'counted: 120 ms', packet: [SILK_60 | 3, 2, 1, 2], samples: 5760 },
    { name: 'counted: over 120 ms', packet: [SILK_60 | 3, 3, 1, 2, 3], samples: 0 },
    { name: 'counted: own sizes', packet: [CELT_20 | 3, 0x83, 1, 2, 9, 9, 9, 9], samples: 2880 },
    { name: 'counted: own sizes past the end', packet: [CELT_20 | 3, 0x82, 5, 9, 9], samples: 0 },
    { name: 'padding', packet: [CELT_20 | 3, 0x41, 2, 9, 0, 0], samples: 960 },
    { name: 'padding longer than the packet', packet: [CELT_20 | 3, 0x41, 9, 9], samples: 0 },
    { name: 'padding length cut off', packet: [CELT_20 | 3, 0x41, 255], samples: 0 },
    { name: 'padding of 255 means 254 and more', packet: filled(4 + 255, CELT_20 | 3, 0x41, 255, 1), samples: 960 },
  ])('$name', ({ packet, samples }) => expect(opusPacketSamples(Uint8Array.from(packet))).toBe(samples));
});

test('exactly what libopus refuses has no length, and what it takes has the length it decodes to', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => print.mockRestore());
  const decoder = new OpusDecoder({ channels: 1 });
  await decoder.ready;
  const random = seeded(6716);
  let taken = 0;
  for (let k = 0; k < 6000; k++) {
    const packet = Uint8Array.from({ length: 1 + Math.floor(300 * random() ** 3) }, () => Math.floor(256 * random()));
    if (k % 3 === 0) packet[0] |= 3;
    if (k % 6 === 0 && packet.length > 1) packet[1] &= 0xc7;
    const { samplesDecoded, errors } = decoder.decodeFrame(packet);
    expect(opusPacketSamples(packet)).toBe(errors.length > 0 ? 0 : samplesDecoded);
    if (errors.length === 0) taken++;
  }
  expect(taken).toBeGreaterThan(1000);
  expect(taken).toBeLessThan(5000);
  decoder.free();
});
