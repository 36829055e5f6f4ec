import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeAlaw, encodeUlaw } from '../../../src/kernel/g711.ts';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';
import { G722Encoder } from '../../support/g722-encoder.ts';
import { levelOf, peak, tone } from '../../support/tones.ts';
import { rtpPayloads } from './rtp-payloads.ts';

const wire = (name: string, clockRate: number, channels = 1): WireCodec => ({ name, clockRate, channels });

const decoded = async (of: WireCodec, payload: Uint8Array): Promise<Int16Array> => {
  const codec = codecFor(of)!;
  const decoder = await codec.createDecoder!();
  const out = new Int16Array((codec.duration(payload) * codec.sampleRate) / of.clockRate);
  expect(decoder.decode(payload, out)).toBe(out.length);
  decoder.close();
  return out;
};

const coded = (encode: (src: Int16Array, dst: Uint8Array) => void, pcm: Int16Array): Uint8Array => {
  const codes = new Uint8Array(pcm.length);
  encode(pcm, codes);
  return codes;
};

test.each([
  { codec: wire('PCMU', 8000), payload: coded(encodeUlaw, tone(1000, 500, 8000)) },
  { codec: wire('PCMA', 8000), payload: coded(encodeAlaw, tone(1000, 500, 8000)) },
  { codec: wire('PCMU', 16_000), payload: coded(encodeUlaw, tone(1000, 500, 16_000)) },
  { codec: wire('G722', 8000), payload: new G722Encoder().encode(tone(1000, 500, 16_000)) },
  { codec: wire('G722', 16_000), payload: new G722Encoder().encode(tone(1000, 500, 16_000)) },
  ...[8000, 11_025, 16_000, 44_100, 48_000].map((rate) => ({
    codec: wire('L16', rate),
    payload: new Uint8Array(Buffer.from(tone(1000, 500, rate).buffer).swap16()),
  })),
])(
  '$codec.name/$codec.clockRate: a tone is at its frequency and level for exactly as long',
  async ({ codec, payload }) => {
    const { sampleRate } = codecFor(codec)!;
    const pcm = await decoded(codec, payload);
    expect(pcm).toHaveLength(Math.round(sampleRate / 2));
    expect(levelOf(pcm, sampleRate, 1000, 50, 450)).toBeCloseTo(-12, 0);
    for (const hz of [500, 2000, 3000]) expect(levelOf(pcm, sampleRate, hz, 50, 450)).toBeLessThan(-40);
  },
);

describe('L16', () => {
  test.each([
    { name: 'is big-endian', channels: 1, payload: [0x12, 0x34, 0xff, 0xfe], pcm: [0x1234, -2] },
    {
      name: 'keeps the extremes',
      channels: 1,
      payload: [0x80, 0x00, 0x7f, 0xff, 0x00, 0xff],
      pcm: [-32768, 32767, 255],
    },
    {
      name: 'folds stereo to its mean',
      channels: 2,
      payload: [0x00, 0x10, 0x00, 0x20, 0xff, 0xf0, 0x00, 0x10],
      pcm: [24, 0],
    },
    { name: 'leaves out half a sample at the end', channels: 1, payload: [0x00, 0x01, 0x02], pcm: [1] },
    { name: 'leaves out half a pair at the end', channels: 2, payload: [0, 1, 0, 1, 0, 9], pcm: [1] },
  ])('$name', async ({ channels, payload, pcm }) => {
    expect([...(await decoded(wire('L16', 8000, channels), Uint8Array.from(payload)))]).toEqual(pcm);
  });

  test('reads a payload that begins at an odd address', async () => {
    const buffer = Uint8Array.of(0, 0x12, 0x34, 0x56, 0x78);
    expect([...(await decoded(wire('L16', 8000), buffer.subarray(1)))]).toEqual([0x1234, 0x5678]);
  });
});

test('stereo PCMU and PCMA are folded to their mean', async () => {
  expect([...(await decoded(wire('PCMU', 8000, 2), Uint8Array.of(0x80, 0xff, 0x00, 0x80, 0xff)))]).toEqual([16_062, 0]);
  expect([...(await decoded(wire('PCMA', 8000, 2), Uint8Array.of(0xaa, 0xaa, 0xd5, 0x55)))]).toEqual([32_256, 0]);
});

test('a reset G.722 decoder forgets what came before', async () => {
  const decoder = await codecFor(wire('G722', 8000))!.createDecoder!();
  const payload = new G722Encoder().encode(tone(700, 100, 16_000, -3));
  const first = new Int16Array(1600);
  const again = new Int16Array(1600);
  decoder.decode(payload, first);
  decoder.reset();
  decoder.decode(payload, again);
  expect([...again]).toEqual([...first]);
});

const CAPTURES = new URL('../../../../shared/captures/asterisk-run/', import.meta.url);

// One prompt in three codecs of one server: the same voice, so the same loudness.
describe.skipIf(!existsSync(CAPTURES))('captures of Asterisk', () => {
  const voice = async (file: string, payloadType: number, codec: WireCodec): Promise<Int16Array> => {
    const payloads = rtpPayloads(readFileSync(new URL(file, CAPTURES)), payloadType);
    expect(payloads.length).toBeGreaterThan(50);
    return decoded(codec, new Uint8Array(Buffer.concat(payloads)));
  };

  test.each([
    { file: 'externalmedia-ulaw.pcap', payloadType: 0, codec: wire('PCMU', 8000) },
    { file: 'externalmedia-slin.pcap', payloadType: 10, codec: wire('L16', 8000) },
    { file: 'externalmedia-slin16.pcap', payloadType: 118, codec: wire('L16', 16_000) },
    { file: 'externalmedia-g722.pcap', payloadType: 9, codec: wire('G722', 8000) },
  ])('$file decodes to voice of the loudness the others have', async ({ file, payloadType, codec }) => {
    const reference = await voice('externalmedia-slin.pcap', 10, wire('L16', 8000));
    const pcm = await voice(file, payloadType, codec);
    expect(peak(pcm) / peak(reference)).toBeGreaterThan(0.8);
    expect(peak(pcm) / peak(reference)).toBeLessThan(1.25);
    const seconds = pcm.length / codecFor(codec)!.sampleRate;
    expect(Math.abs(seconds - reference.length / 8000)).toBeLessThanOrEqual(0.04);
  });
});
