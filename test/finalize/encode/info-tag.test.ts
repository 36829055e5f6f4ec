import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MP3_RATES } from '../../../src/core/record-call.ts';
import { crc16 } from '../../../src/finalize/encode/crc16.ts';
import { infoFrame, parseInfoFrame, withTrim } from '../../../src/finalize/encode/info-tag.ts';
import { parseMp3Frame } from '../../../src/finalize/encode/mp3-frame.ts';

const SAID = {
  frames: 0x01020304,
  bytes: 0x05060708,
  delay: 576,
  padding: 1234,
  encoder: 'LAME3.98r',
  musicCrc: 0xabcd,
};

/** A bit at a time, as the polynomial says. */
const slowCrc16 = (data: Uint8Array): number =>
  data.reduce((sum, byte) => {
    let crc = sum ^ byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
    return crc;
  }, 0);

test('CRC-16/ARC of any bytes, cut anywhere, is what it is bit by bit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, cut) => {
      expect(crc16(bytes.subarray(cut), crc16(bytes.subarray(0, cut)))).toBe(slowCrc16(bytes));
    }),
  );
});

test('CRC-16/ARC gives its check value', () => expect(crc16(Buffer.from('123456789'))).toBe(0xbb3d));

test('CRC-16 goes on where it stopped', () => {
  const all = Buffer.from('123456789');
  expect(crc16(all.subarray(4), crc16(all.subarray(0, 4)))).toBe(crc16(all));
});

test('every field is where Xing and LAME have it', () => {
  const frame = Buffer.from(infoFrame({ sampleRate: 44100, channels: 2, kbps: 128 }, SAID));
  const at = 36;
  expect(frame.toString('latin1', at, at + 4)).toBe('Info');
  expect(frame.readUInt32BE(at + 4)).toBe(0x0f);
  expect(frame.readUInt32BE(at + 8)).toBe(0x01020304);
  expect(frame.readUInt32BE(at + 12)).toBe(0x05060708);
  expect([frame[at + 16], frame[at + 66], frame[at + 115]]).toEqual([0, 128, 253]);
  expect(frame.toString('latin1', at + 120, at + 129)).toBe('LAME3.98r');
  expect(frame[at + 129]).toBe(0x01);
  expect(frame[at + 140]).toBe(128);
  expect(frame.toString('hex', at + 141, at + 144)).toBe('2404d2');
  expect(frame.readUInt32BE(at + 148)).toBe(0x05060708);
  expect(frame.readUInt16BE(at + 152)).toBe(0xabcd);
  expect(frame.readUInt16BE(at + 154)).toBe(crc16(frame.subarray(0, at + 154)));
  expect(frame.subarray(4, at).every((byte) => byte === 0)).toBe(true);
});

test('what is written is read again, for all rates and channels', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MP3_RATES),
      fc.constantFrom<1 | 2>(1, 2),
      fc.integer({ min: 8, max: 64 }),
      fc.nat(0xffff_ffff),
      fc.nat(4095),
      fc.nat(4095),
      (sampleRate, channels, kbps, frames, delay, padding) => {
        const tag = { ...SAID, frames, delay, padding };
        const frame = infoFrame({ sampleRate, channels, kbps }, tag);
        expect(parseMp3Frame(frame, 0)).toMatchObject({ sampleRate, channels, bytes: frame.length });
        expect(parseInfoFrame(frame)).toEqual({ gapless: true, frames, bytes: SAID.bytes, delay, padding });
      },
    ),
  );
});

test('the frame is as long whatever it says, so that it can be written first and filled in last', () => {
  const format = { sampleRate: 8000, channels: 2, kbps: 48 } as const;
  const empty = infoFrame(format, { ...SAID, frames: 0, bytes: 0, delay: 0, padding: 0, musicCrc: 0 });
  expect(empty.length).toBe(infoFrame(format, SAID).length);
});

test('changing the trim keeps the rest and mends the CRC', () => {
  const format = { sampleRate: 16000, channels: 1, kbps: 40 } as const;
  const changed = withTrim(infoFrame(format, SAID), 623, 999);
  expect(changed).toEqual(infoFrame(format, { ...SAID, delay: 623, padding: 999 }));
});

test('a delay or padding beyond twelve bits is refused, not cut', () => {
  const frame = infoFrame({ sampleRate: 8000, channels: 1, kbps: 24 }, SAID);
  for (const [delay, padding] of [
    [4096, 0],
    [0, 4096],
    [-1, 0],
    [0, -1],
  ]) {
    expect(() => withTrim(frame, delay, padding)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
  }
});

describe('a first frame that is read with care', () => {
  const format = { sampleRate: 22050, channels: 1, kbps: 56 } as const;
  test('audio is no tag', () => {
    const frame = infoFrame(format, SAID);
    frame.fill(0, 4);
    expect(parseInfoFrame(frame)).toBeUndefined();
  });
  test('a cut frame is no tag', () => expect(parseInfoFrame(infoFrame(format, SAID).subarray(0, 60))).toBeUndefined());
  test('a Xing tag without the extension says frames but nothing of delay', () => {
    const frame = infoFrame(format, SAID);
    frame.fill(0, 13 + 120);
    expect(parseInfoFrame(frame)).toEqual({ gapless: false, frames: SAID.frames, bytes: SAID.bytes });
  });
  test('a tag that says neither frames nor bytes', () => {
    const frame = infoFrame(format, SAID);
    frame.fill(0, 13 + 4);
    expect(parseInfoFrame(frame)).toEqual({ gapless: false });
  });
  test('random content and flags never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 169, maxLength: 169 }), fc.nat(15), (noise, flags) => {
        const frame = infoFrame(format, SAID);
        frame.set(noise.subarray(0, frame.length - 21), 21);
        frame[20] = flags;
        expect(parseInfoFrame(frame)).toBeDefined();
      }),
    );
  });
});
