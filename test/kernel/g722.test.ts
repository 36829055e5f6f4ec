import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { G722_SAMPLE_RATE, G722Decoder } from '../../src/kernel/g722.ts';
import { G722Encoder } from '../support/g722-encoder.ts';
import { hasProgram } from '../support/has.ts';
import { joined, levelOf, noise, peak, seeded, silence, tone } from '../support/tones.ts';

const FIXTURE = readFileSync(new URL('../fixtures/g722-two-tones.bin', import.meta.url));

/** Every code in every state the decoder can be driven to, overflows included. */
const RANDOM_BYTES = (() => {
  const random = seeded(722);
  return Uint8Array.from({ length: 20_000 }, () => Math.floor(256 * random()));
})();

const decoded = (payload: Uint8Array): Int16Array => {
  const pcm = new Int16Array(2 * payload.length);
  expect(new G722Decoder().decode(payload, pcm)).toBe(pcm.length);
  return pcm;
};

const sha256 = (pcm: Int16Array | Buffer): string =>
  createHash('sha256')
    .update(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength))
    .digest('hex');

const ffmpeg = (input: Uint8Array, ...conversion: string[]): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', ...conversion, '-'], { input, maxBuffer: 1 << 26 });

// The sums were taken of ffmpeg 5.1.9's output; where ffmpeg is present the next test compares anew.
test.each([
  { name: 'two tones', payload: FIXTURE, sum: 'ea8840cea3296d8ef23d5732efc5ba718a25591dbf0a4d0099efc2de23658370' },
  {
    name: 'random bytes',
    payload: RANDOM_BYTES,
    sum: '049038d5d3a31bc7a73f3c58adcf89d2022f98d6bb8f43e1876fc354dcc64169',
  },
])('$name decode to the known samples', ({ payload, sum }) => {
  expect(sha256(decoded(payload))).toBe(sum);
});

describe.skipIf(!hasProgram('ffmpeg'))('against ffmpeg', () => {
  test.each([
    { name: 'two tones', payload: FIXTURE },
    { name: 'random bytes', payload: RANDOM_BYTES },
    { name: 'loud noise', payload: new G722Encoder().encode(noise(2000, 16_000, 0)) },
  ])('$name decode to the same bits', ({ payload }) => {
    expect(sha256(decoded(payload))).toBe(sha256(ffmpeg(payload, '-f', 'g722', '-i', '-', '-f', 's16le')));
  });

  test('the encoder of the tests gives the same bytes', () => {
    const pcm = joined(tone(1000, 200, 16_000), tone(5000, 200, 16_000), silence(100, 16_000), noise(500, 16_000, -1));
    const input = new Uint8Array(pcm.buffer);
    const bytes = ffmpeg(input, '-f', 's16le', '-ar', '16000', '-ac', '1', '-i', '-', '-c:a', 'g722', '-f', 'g722');
    expect(new G722Encoder().encode(pcm)).toEqual(new Uint8Array(bytes));
  });
});

test('tones in both sub-bands come out at their frequency and level, two samples a byte', () => {
  const pcm = decoded(FIXTURE);
  expect(pcm).toHaveLength(G722_SAMPLE_RATE);
  expect(levelOf(pcm, G722_SAMPLE_RATE, 1000, 100, 900)).toBeCloseTo(-12, 0);
  expect(levelOf(pcm, G722_SAMPLE_RATE, 5000, 100, 900)).toBeCloseTo(-12, 0);
  // The image of either tone across the middle of the band, which the mirror filter takes away.
  expect(levelOf(pcm, G722_SAMPLE_RATE, 7000, 100, 900)).toBeLessThan(-50);
  expect(levelOf(pcm, G722_SAMPLE_RATE, 3000, 100, 900)).toBeLessThan(-50);
});

test('coded silence stays silence but for the codec’s last bits', () => {
  expect(peak(decoded(new G722Encoder().encode(silence(500, 16_000))))).toBeLessThanOrEqual(8);
});

test('packets of any size decode to the same samples as one', () => {
  const whole = decoded(FIXTURE);
  const decoder = new G722Decoder();
  const random = seeded(5);
  const pieces = new Int16Array(whole.length);
  for (let at = 0; at < FIXTURE.length; ) {
    const take = Math.min(FIXTURE.length - at, Math.floor(random() * 200));
    expect(decoder.decode(FIXTURE.subarray(at, at + take), pieces.subarray(2 * at))).toBe(2 * take);
    at += take;
  }
  expect(sha256(pieces)).toBe(sha256(whole));
});

test('a reset decoder is a new one', () => {
  const decoder = new G722Decoder();
  decoder.decode(RANDOM_BYTES, new Int16Array(2 * RANDOM_BYTES.length));
  decoder.reset();
  const pcm = new Int16Array(2 * FIXTURE.length);
  decoder.decode(FIXTURE, pcm);
  expect(sha256(pcm)).toBe(sha256(decoded(FIXTURE)));
});

test('only as many bytes are taken as the output holds whole pairs', () => {
  const pcm = new Int16Array(8).fill(77);
  expect(new G722Decoder().decode(FIXTURE, pcm.subarray(0, 5))).toBe(4);
  expect([...pcm.subarray(4)]).toEqual([77, 77, 77, 77]);
});
