import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { decodeAlaw, decodeUlaw, encodeAlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { hasProgram } from '../support/has.ts';

const ALL_CODES = Uint8Array.from({ length: 256 }, (_, code) => code);
const ALL_SAMPLES = Int16Array.from({ length: 65536 }, (_, n) => n - 32768);

const LAWS = [
  { name: 'µ-law', format: 'mulaw', decode: decodeUlaw, encode: encodeUlaw, silence: 0xff },
  { name: 'A-law', format: 'alaw', decode: decodeAlaw, encode: encodeAlaw, silence: 0xd5 },
];

const decodedAll = (decode: (src: Uint8Array, dst: Int16Array) => void): Int16Array => {
  const pcm = new Int16Array(256);
  decode(ALL_CODES, pcm);
  return pcm;
};

// Values of G.711 tables 1 and 2, on the 16-bit scale (×4 for µ-law's 14 bits, ×8 for A-law's 13).
test.each([
  { law: 'µ-law', code: 0x80, value: 32124 },
  { law: 'µ-law', code: 0x00, value: -32124 },
  { law: 'µ-law', code: 0xff, value: 0 },
  { law: 'µ-law', code: 0x7f, value: 0 },
  { law: 'µ-law', code: 0xfe, value: 8 },
  { law: 'µ-law', code: 0xef, value: 132 },
  { law: 'A-law', code: 0xaa, value: 32256 },
  { law: 'A-law', code: 0x2a, value: -32256 },
  { law: 'A-law', code: 0xd5, value: 8 },
  { law: 'A-law', code: 0x55, value: -8 },
  { law: 'A-law', code: 0xd4, value: 24 },
  { law: 'A-law', code: 0xc5, value: 264 },
])('$law code $code is $value', ({ law, code, value }) => {
  expect(decodedAll(LAWS.find(({ name }) => name === law)!.decode)[code]).toBe(value);
});

describe.each(LAWS)('$name', ({ format, decode, encode, silence }) => {
  test.skipIf(!hasProgram('ffmpeg'))('decodes all 256 codes as ffmpeg does', () => {
    const arguments_ = ['-v', 'error', '-f', format, '-ar', '8000', '-ac', '1', '-i', '-', '-f', 's16le', '-'];
    const pcm = execFileSync('ffmpeg', arguments_, { input: ALL_CODES });
    expect([...decodedAll(decode)]).toEqual(Array.from({ length: 256 }, (_, code) => pcm.readInt16LE(2 * code)));
  });

  test('every code survives decoding and encoding, but for the second zero', () => {
    const pcm = decodedAll(decode);
    const codes = new Uint8Array(256);
    encode(pcm, codes);
    for (let code = 0; code < 256; code++) {
      expect(codes[code], `code ${code}`).toBe(format === 'mulaw' && code === 0x7f ? 0xff : code);
    }
  });

  test('every sample comes back within half the step it fell into', () => {
    const codes = new Uint8Array(65536);
    const back = new Int16Array(65536);
    encode(ALL_SAMPLES, codes);
    decode(codes, back);
    let worst = 0;
    for (let n = 0; n < 65536; n++) {
      const magnitude = Math.abs(ALL_SAMPLES[n]);
      // A step is at most a sixteenth of the segment it lies in; both laws clip within 700 of full scale.
      const allowed = magnitude > 32000 ? 700 : Math.max(8, magnitude / 32 + 8);
      worst = Math.max(worst, Math.abs(back[n] - ALL_SAMPLES[n]) / allowed);
    }
    expect(worst).toBeLessThanOrEqual(1);
  });

  test('louder never decodes as quieter', () => {
    const codes = new Uint8Array(65536);
    const back = new Int16Array(65536);
    encode(ALL_SAMPLES, codes);
    decode(codes, back);
    expect(back.findIndex((sample, n) => n > 0 && sample < back[n - 1])).toBe(-1);
  });

  test('silence is one code', () => {
    const codes = new Uint8Array(3);
    encode(new Int16Array(3), codes);
    expect([...codes]).toEqual([silence, silence, silence]);
  });

  test('only as much is converted as both buffers hold', () => {
    const pcm = new Int16Array(4).fill(77);
    decode(Uint8Array.of(1, 2, 3), pcm.subarray(0, 2));
    expect([...pcm.subarray(2)]).toEqual([77, 77]);
    const codes = new Uint8Array(4).fill(77);
    encode(Int16Array.of(1, 2), codes);
    expect([...codes.subarray(2)]).toEqual([77, 77]);
  });
});
