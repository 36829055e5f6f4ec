import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MP3_RATES } from '../../../src/core/record-call.ts';
import { mp3Bitrates, mp3VersionOf, parseMp3Frame, silentMp3Frame } from '../../../src/finalize/encode/mp3-frame.ts';

describe('a Layer III header is read', () => {
  for (const { name, bytes, frame } of [
    {
      name: 'MPEG-1, 128 kbit/s, 44.1 kHz, joint stereo',
      bytes: [0xff, 0xfb, 0x90, 0x64],
      frame: { version: '1', kbps: 128, sampleRate: 44100, channels: 2, bytes: 417, samples: 1152, sideInfoEnd: 36 },
    },
    {
      name: 'the same with a padding byte',
      bytes: [0xff, 0xfb, 0x92, 0x64],
      frame: { version: '1', kbps: 128, sampleRate: 44100, channels: 2, bytes: 418, samples: 1152, sideInfoEnd: 36 },
    },
    {
      name: 'the same with a CRC after the header',
      bytes: [0xff, 0xfa, 0x90, 0x64],
      frame: { version: '1', kbps: 128, sampleRate: 44100, channels: 2, bytes: 417, samples: 1152, sideInfoEnd: 38 },
    },
    {
      name: 'MPEG-2, 40 kbit/s, 16 kHz, mono',
      bytes: [0xff, 0xf3, 0x58, 0xc0],
      frame: { version: '2', kbps: 40, sampleRate: 16000, channels: 1, bytes: 180, samples: 576, sideInfoEnd: 13 },
    },
    {
      name: 'MPEG-2.5, 48 kbit/s, 8 kHz, stereo',
      bytes: [0xff, 0xe3, 0x68, 0x00],
      frame: { version: '2.5', kbps: 48, sampleRate: 8000, channels: 2, bytes: 432, samples: 576, sideInfoEnd: 21 },
    },
  ]) {
    test(name, () => expect(parseMp3Frame(Uint8Array.from([0, ...bytes]), 1)).toEqual(frame));
  }
});

describe('no Layer III header', () => {
  for (const { name, bytes } of [
    { name: 'cut after three bytes', bytes: [0xff, 0xfb, 0x90] },
    { name: 'eleven set bits missing', bytes: [0xff, 0x1b, 0x90, 0x64] },
    { name: 'Layer II', bytes: [0xff, 0xfd, 0x90, 0x64] },
    { name: 'the reserved layer, as in an AAC stream', bytes: [0xff, 0xf9, 0x90, 0x64] },
    { name: 'the reserved version', bytes: [0xff, 0xeb, 0x90, 0x64] },
    { name: 'free format', bytes: [0xff, 0xfb, 0x00, 0x64] },
    { name: 'the bitrate that is none', bytes: [0xff, 0xfb, 0xf0, 0x64] },
    { name: 'the reserved rate', bytes: [0xff, 0xfb, 0x9c, 0x64] },
  ]) {
    test(name, () => expect(parseMp3Frame(Uint8Array.from(bytes), 0)).toBeUndefined());
  }
});

test('each of the nine rates has a version, and no other rate has', () => {
  expect(MP3_RATES.map(mp3VersionOf)).toEqual(['2.5', '2.5', '2.5', '2', '2', '2', '1', '1', '1']);
  expect([7999, 8001, 44000, 96000, 0, Number.NaN].map(mp3VersionOf)).toEqual(Array(6).fill(undefined));
});

test('MPEG-2.5 ends at 64 kbit/s', () => expect(Math.max(...mp3Bitrates('2.5'))).toBe(64));

test('a silent frame is as long as its header says, has the room asked for, and no lower bitrate', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MP3_RATES),
      fc.constantFrom<1 | 2>(1, 2),
      fc.integer({ min: 8, max: 64 }),
      fc.integer({ min: 0, max: 180 }),
      (sampleRate, channels, kbps, room) => {
        const bytes = silentMp3Frame(sampleRate, channels, kbps, room);
        const frame = parseMp3Frame(bytes, 0)!;
        expect(frame).toMatchObject({ sampleRate, channels, bytes: bytes.length });
        expect(frame.kbps).toBeGreaterThanOrEqual(kbps);
        expect(bytes.length - frame.sideInfoEnd).toBeGreaterThanOrEqual(room);
      },
    ),
  );
});

test('random bytes never make a frame without length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      const frame = parseMp3Frame(Uint8Array.from([0xff, bytes[1] | 0xe0, bytes[2], bytes[3]]), 0);
      expect(frame === undefined || frame.bytes > 20).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
