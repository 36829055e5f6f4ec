import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { FrameDecoder } from '../../../src/media/codec.ts';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import { levelOf, peak, seeded } from '../../support/tones.ts';
import { rtpPayloads } from './rtp-payloads.ts';

const codec = codecFor({ name: 'OPUS', clockRate: 48_000, channels: 2 })!;

const decoder = async (): Promise<FrameDecoder> => {
  const made = await codec.createDecoder!();
  onTestFinished(() => made.close());
  return made;
};

const packetsOf = (file: string, bytes: number): Uint8Array[] => {
  const all = readFileSync(new URL(`../../fixtures/${file}`, import.meta.url));
  return Array.from({ length: all.length / bytes }, (_, k) => all.subarray(k * bytes, (k + 1) * bytes));
};

const decodeAll = (frames: FrameDecoder, packets: readonly Uint8Array[]): Int16Array => {
  const pcm = new Int16Array(packets.reduce((sum, packet) => sum + codec.duration(packet), 0));
  let at = 0;
  for (const packet of packets) {
    const count = frames.decode(packet, pcm.subarray(at));
    expect(count).toBe(codec.duration(packet));
    at += count;
  }
  expect(at).toBe(pcm.length);
  return pcm;
};

/** CELT meets the tone's level to a fraction of a dB; half the sum of a tone and silence is 6 dB down. */
const LEVEL_DIGITS = 0;

test.each([
  { file: 'opus-celt.bin', bytes: 120, dbfs: -6 },
  { file: 'opus-silk.bin', bytes: 40, dbfs: -6 },
  { file: 'opus-stereo.bin', bytes: 160, dbfs: -12 },
])('$file: the tone is at its frequency, at its level in mono, for exactly as long', async ({ file, bytes, dbfs }) => {
  const packets = packetsOf(file, bytes);
  const pcm = decodeAll(await decoder(), packets);
  expect(pcm).toHaveLength(51 * 960);
  expect(levelOf(pcm, 48_000, 1000, 100, 900)).toBeCloseTo(dbfs, LEVEL_DIGITS);
  for (const hz of [500, 2000, 3000, 7000]) expect(levelOf(pcm, 48_000, hz, 100, 900)).toBeLessThan(-50);
});

const CAPTURE = new URL('../../../../shared/captures/asterisk-run/externalmedia-opus.pcap', import.meta.url);

test.skipIf(!existsSync(CAPTURE))('a capture of Asterisk’s opus decodes to voice, every packet 20 ms', async () => {
  const packets = rtpPayloads(readFileSync(CAPTURE), 107);
  expect(packets.length).toBeGreaterThan(50);
  const pcm = decodeAll(await decoder(), packets);
  expect(pcm).toHaveLength(960 * packets.length);
  expect(peak(pcm)).toBeGreaterThan(3000);
});

test('a packet of discontinuous transmission, table of contents only, plays for its time', async () => {
  const frames = await decoder();
  const packets = packetsOf('opus-silk.bin', 40);
  decodeAll(frames, packets.slice(0, 10));
  const tocOnly = Uint8Array.of(packets[0][0] & ~3);
  const quiet = new Int16Array(960);
  for (let k = 0; k < 20; k++) expect(frames.decode(tocOnly, quiet)).toBe(960);
  expect(peak(quiet)).toBeLessThan(1000);
});

test('after a gap, the tone is back at its level within the first frame', async () => {
  const packets = packetsOf('opus-celt.bin', 120);
  const frames = await decoder();
  decodeAll(frames, packets.slice(0, 15));
  frames.reset();
  const pcm = decodeAll(frames, packets.slice(30));
  expect(levelOf(pcm, 48_000, 1000, 0, 20)).toBeGreaterThan(-8);
});

describe('the decoder’s traps', () => {
  const invalid = [
    { name: 'no bytes, for which it would make up 120 ms of sound', payload: new Uint8Array(0) },
    { name: 'a count of no frames', payload: Uint8Array.of(0xfb, 0) },
    { name: 'a frame size past the end', payload: Uint8Array.of(0xfa, 200, 1) },
    { name: 'more than its memory holds', payload: new Uint8Array(8000).fill(0xfb) },
  ];

  test.each(invalid)('nothing comes of $name, nothing is thrown and nothing printed', async ({ payload }) => {
    const prints = (['log', 'info', 'warn', 'error', 'debug'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => {}),
    );
    onTestFinished(() => {
      for (const print of prints) print.mockRestore();
    });
    const frames = await decoder();
    const out = new Int16Array(5760).fill(77);
    expect(codec.duration(payload)).toBe(0);
    expect(frames.decode(payload, out)).toBe(0);
    expect(out.every((sample) => sample === 77)).toBe(true);
    for (const print of prints) expect(print).not.toHaveBeenCalled();
  });

  test('it goes on after an invalid packet as if it had not come', async () => {
    const packets = packetsOf('opus-celt.bin', 120);
    const whole = decodeAll(await decoder(), packets);
    const disturbed = await decoder();
    const pcm = decodeAll(disturbed, packets.slice(0, 20));
    for (const { payload } of invalid) disturbed.decode(payload, new Int16Array(5760));
    expect([...pcm, ...decodeAll(disturbed, packets.slice(20))]).toEqual([...whole]);
  });

  test('random bytes print nothing', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => print.mockRestore());
    const frames = await decoder();
    const random = seeded(7587);
    const out = new Int16Array(5760);
    for (let k = 0; k < 3000; k++) {
      const payload = Uint8Array.from({ length: Math.floor(200 * random()) }, () => Math.floor(256 * random()));
      expect(frames.decode(payload, out)).toBe(codec.duration(payload));
    }
    expect(print).not.toHaveBeenCalled();
  });

  test('close is final and may be said twice', async () => {
    const frames = await codec.createDecoder!();
    frames.close();
    frames.close();
    expect(frames.decode(packetsOf('opus-celt.bin', 120)[0], new Int16Array(960))).toBe(0);
  });
});

test('two decoders at a time do not hear each other', async () => {
  const celt = packetsOf('opus-celt.bin', 120);
  const stereo = packetsOf('opus-stereo.bin', 160);
  const alone = decodeAll(await decoder(), celt);
  const [one, other] = [await decoder(), await decoder()];
  const mixed: number[] = [];
  const out = new Int16Array(960);
  for (let k = 0; k < celt.length; k++) {
    one.decode(celt[k], out);
    mixed.push(...out);
    other.decode(stereo[k], out);
  }
  expect(mixed).toEqual([...alone]);
});
