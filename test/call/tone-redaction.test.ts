/** Rule 10: keys that are audible in the speech itself can be kept out of every file, on their leg alone. */
import { describe, expect, test } from 'vitest';
import type { Leg } from '../../src/core/leg.ts';
import { encodeAlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { hear, manifestOf, Pipeline } from '../support/pipeline.ts';
import { findInFiles, scratchDir } from '../support/scratch.ts';
import { levelOf, mixInto, peak, silence, span, tone } from '../support/tones.ts';

const START_US = Date.UTC(2026, 0, 15) * 1000;
const RATE = 8000;
/** The key 7: 852 and 1209 Hz (ITU-T Q.23). */
const KEY_HZ = [852, 1209] as const;
/** A frame at either end of a key, and the detector's own window. */
const ROOM_MS = 60;

type Key = { readonly atMs: number; readonly lengthMs: number };

const speech = (leg: Leg, keys: readonly Key[], lengthMs: number): Int16Array => {
  const pcm = silence(lengthMs, RATE);
  for (let at = 0; at + 400 <= lengthMs; at += 500) {
    // Words and pauses; nobody speaks while a key sounds.
    if (!keys.some((key) => at < key.atMs + key.lengthMs + 50 && at + 300 > key.atMs - 50))
      mixInto(pcm, tone(leg === 'a' ? 300 : 440, 300, RATE), at, RATE);
  }
  for (const { atMs, lengthMs: length } of keys)
    for (const hz of KEY_HZ) mixInto(pcm, tone(hz, length, RATE, -12), atMs, RATE);
  return pcm;
};

const CODECS: readonly { readonly wire: WireCodec; readonly encode: (pcm: Int16Array) => Uint8Array }[] = [
  { wire: { name: 'PCMU', clockRate: RATE, channels: 1 }, encode: (pcm) => coded(encodeUlaw, pcm) },
  { wire: { name: 'PCMA', clockRate: RATE, channels: 1 }, encode: (pcm) => coded(encodeAlaw, pcm) },
  { wire: { name: 'L16', clockRate: RATE, channels: 1 }, encode: (pcm) => Buffer.from(pcm.buffer.slice(0)).swap16() },
];

const coded = (encode: (pcm: Int16Array, out: Uint8Array) => void, pcm: Int16Array): Uint8Array => {
  const out = new Uint8Array(pcm.length);
  encode(pcm, out);
  return out;
};

const run = async (
  keys: Record<Leg, readonly Key[]>,
  codec: (typeof CODECS)[number],
  options: { redactTones: boolean; stepMs?: number },
) => {
  const folder = scratchDir();
  const pipeline = new Pipeline(folder, {}, 1, options.redactTones);
  pipeline.call.recordFromFirstFrame({ format: 'wav' }, 'test');
  const lengthMs = 4000;
  const payloads = { a: codec.encode(speech('a', keys.a, lengthMs)), b: codec.encode(speech('b', keys.b, lengthMs)) };
  const stepMs = options.stepMs ?? 20;
  const bytes = (payloads.a.length / lengthMs) * stepMs;
  for (let n = 0; n * stepMs < lengthMs; n++) {
    for (const leg of ['a', 'b'] as const) {
      pipeline.packet({
        leg,
        ssrc: leg === 'a' ? 1 : 2,
        sequence: n,
        timestamp: n * stepMs * 8,
        arrivalUs: START_US + (n + 1) * stepMs * 1000,
        codec: codec.wire,
        bytes: Buffer.from(payloads[leg].subarray(n * bytes, (n + 1) * bytes)),
      });
    }
  }
  const [finished] = await pipeline.finish();
  return { folder, payloads, heard: await hear(finished!), manifest: manifestOf(finished!) };
};

describe('audible keys', () => {
  for (const codec of CODECS) {
    for (const stepMs of [10, 20, 60]) {
      test(`are withheld from ${codec.wire.name} in ${stepMs} ms packets, and nothing else is`, async () => {
        const keys = {
          a: [
            { atMs: 1030, lengthMs: 90 },
            { atMs: 1230, lengthMs: 90 },
            { atMs: 2507, lengthMs: 700 },
          ],
          b: [],
        };
        const { heard, manifest } = await run(keys, codec, { redactTones: true, stepMs });
        for (const { atMs, lengthMs } of keys.a)
          expect(peak(span(heard.channels[0]!, RATE, atMs, atMs + lengthMs))).toBe(0);
        for (const [hz, leg] of [
          [300, 0],
          [440, 1],
        ] as const) {
          for (const atMs of [0, 500, 3500])
            expect(levelOf(heard.channels[leg]!, RATE, hz, atMs + 20, atMs + 280)).toBeGreaterThan(-15);
        }
        for (const atMs of [1000, 2500])
          expect(levelOf(heard.channels[1]!, RATE, 440, atMs + 20, atMs + 280)).toBeGreaterThan(-15);
        expect(heard.channels[0]!.length).toBe(4 * RATE);
        const { redacted } = manifest.legs.a;
        expect(redacted.length).toBeGreaterThanOrEqual(2);
        for (const { start_ms, duration_ms } of redacted) {
          expect(
            keys.a.some(
              (key) =>
                start_ms > key.atMs - ROOM_MS - stepMs &&
                start_ms + duration_ms < key.atMs + key.lengthMs + ROOM_MS + stepMs + 200,
            ),
          ).toBe(true);
        }
        expect(manifest.legs.b.redacted).toEqual([]);
        expect(manifest.masks).toEqual([]);
      });
    }
  }

  test('their bytes are in no file', async () => {
    const keys = { a: [], b: [{ atMs: 1500, lengthMs: 100 }] };
    const { folder, payloads } = await run(keys, CODECS[0]!, { redactTones: true });
    for (let at = 1500; at < 1600; at += 10)
      expect(findInFiles(folder, Buffer.from(payloads.b.subarray(at * 8, at * 8 + 40)))).toEqual([]);
  });

  test('are recorded when nobody asked for redaction', async () => {
    const { heard } = await run({ a: [{ atMs: 1500, lengthMs: 100 }], b: [] }, CODECS[0]!, { redactTones: false });
    expect(levelOf(heard.channels[0]!, RATE, KEY_HZ[0], 1510, 1590)).toBeGreaterThan(-16);
  });

  test('at the very end of a call are withheld as well', async () => {
    const { heard } = await run({ a: [{ atMs: 3900, lengthMs: 100 }], b: [] }, CODECS[0]!, { redactTones: true });
    expect(peak(span(heard.channels[0]!, RATE, 3900, 4000))).toBe(0);
  });

  test('in a codec that is not watched are told', async () => {
    const told: string[] = [];
    const pipeline = new Pipeline(scratchDir(), { onUnwatched: (codec) => told.push(codec) }, 1, true);
    const codec: WireCodec = { name: 'OPUS', clockRate: 48_000, channels: 2 };
    for (let n = 0; n < 10; n++) {
      pipeline.packet({
        leg: 'a',
        ssrc: 1,
        sequence: n,
        timestamp: n * 960,
        arrivalUs: START_US + n * 20_000,
        codec,
        bytes: Buffer.alloc(60, 0xf8),
      });
    }
    await pipeline.call.end();
    expect(told).toEqual(['OPUS']);
  });
});
