/** Where sound ends up: each frame at the time it was captured, at its own length, on its own leg, whatever happened on the way. */
import { describe, expect, test } from 'vitest';
import type { Leg } from '../../src/core/leg.ts';
import type { RecordCallFields } from '../../src/core/record-call.ts';
import { encodeAlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { G722Encoder } from '../support/g722-encoder.ts';
import { type Audio, assertPlan } from '../support/listen.ts';
import { hear, manifestOf, Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';
import { lagOf, mixInto, silence, sweep, tone } from '../support/tones.ts';

const START_US = Date.UTC(2026, 0, 15) * 1000;

type Coding = { readonly wire: WireCodec; readonly rate: number; encode(pcm: Int16Array): Uint8Array };

const byLaw =
  (law: (pcm: Int16Array, out: Uint8Array) => void) =>
  (pcm: Int16Array): Uint8Array => {
    const out = new Uint8Array(pcm.length);
    law(pcm, out);
    return out;
  };
const bigEndian = (pcm: Int16Array): Uint8Array => Buffer.from(pcm.slice().buffer).swap16();
const l16 = (rate: number, channels = 1): Coding => ({
  wire: { name: 'L16', clockRate: rate, channels },
  rate,
  encode: (pcm) =>
    bigEndian(channels === 1 ? pcm : Int16Array.from({ length: 2 * pcm.length }, (_, i) => pcm[i >> 1]!)),
});
const PCMU: Coding = { wire: { name: 'PCMU', clockRate: 8000, channels: 1 }, rate: 8000, encode: byLaw(encodeUlaw) };
const PCMA: Coding = { wire: { name: 'PCMA', clockRate: 8000, channels: 1 }, rate: 8000, encode: byLaw(encodeAlaw) };
const G722: Coding = {
  wire: { name: 'G722', clockRate: 8000, channels: 1 },
  rate: 16_000,
  encode: (pcm) => new G722Encoder().encode(pcm),
};

type Part = {
  readonly coding: Coding;
  /** On the call's clock, ms. */
  readonly startMs: number;
  readonly pcm: Int16Array;
  readonly ptimeMs?: number;
  readonly ssrc?: number;
  /** Which of its packets are not sent, and which come how much later. */
  readonly lost?: (n: number) => boolean;
  readonly lateMs?: (n: number) => number;
};

/** Sends what each leg says, in order of arrival. */
const record = async (
  parts: Partial<Record<Leg, readonly Part[]>>,
  fields: RecordCallFields = {},
): Promise<{ audio: Audio; manifest: ReturnType<typeof manifestOf> }> => {
  const pipeline = new Pipeline(scratchDir());
  pipeline.call.recordFromFirstFrame({ format: 'wav', ...fields }, 'test');
  const packets: { atUs: number; give: () => void }[] = [];
  for (const leg of ['a', 'b'] as const) {
    for (const [index, part] of (parts[leg] ?? []).entries()) {
      const { coding, startMs, pcm, ptimeMs = 20, ssrc = (leg === 'a' ? 100 : 200) + index } = part;
      const samples = (coding.rate * ptimeMs) / 1000;
      const payloads = coding.encode(pcm);
      const bytes = (payloads.length / pcm.length) * samples;
      for (let n = 0; n * samples < pcm.length; n++) {
        if (part.lost?.(n)) continue;
        const atUs = START_US + (startMs + (n + 1) * ptimeMs + (part.lateMs?.(n) ?? 0)) * 1000;
        const timestamp = 1000 + (n * coding.wire.clockRate * ptimeMs) / 1000;
        const give = (): void =>
          pipeline.packet({
            leg,
            ssrc,
            sequence: n & 0xffff,
            timestamp,
            arrivalUs: atUs,
            codec: coding.wire,
            bytes: Buffer.from(payloads.subarray(n * bytes, (n + 1) * bytes)),
          });
        packets.push({ atUs, give });
      }
    }
  }
  for (const { give } of packets.sort((one, other) => one.atUs - other.atUs)) give();
  const [finished] = await pipeline.finish();
  return { audio: await hear(finished!), manifest: manifestOf(finished!) };
};

/** Two tones of half a second, at 500 and 2000 ms of `lengthMs`. */
const speech = (rate: number, hz: number, lengthMs = 3000): Int16Array => {
  const pcm = silence(lengthMs, rate);
  for (const at of [500, 2000]) mixInto(pcm, tone(hz, 500, rate), at, rate);
  return pcm;
};
const spoken = (channel: number, hz: number, shiftMs = 0) =>
  [500, 2000].map((at) => ({ channel, hz, startMs: at + shiftMs, endMs: at + shiftMs + 500, dbfs: -12 }));

describe('a finished file has each leg', () => {
  for (const coding of [PCMU, PCMA, G722, l16(8000), l16(11_025), l16(16_000), l16(44_100), l16(48_000, 2)]) {
    const { name, clockRate, channels } = coding.wire;
    test(`in ${name}/${clockRate}/${channels}, at its own rate and level`, async () => {
      // 20 ms are no whole number of samples at 11025 Hz.
      const ptimeMs = coding.rate % 50 === 0 ? 20 : 40;
      const { audio, manifest } = await record({
        a: [{ coding, startMs: 0, ptimeMs, pcm: speech(coding.rate, 700) }],
        b: [{ coding, startMs: 0, ptimeMs, pcm: speech(coding.rate, 1100) }],
      });
      expect(audio.sampleRate).toBe(coding.rate);
      assertPlan(audio, { durationMs: 3000, tones: [...spoken(0, 700), ...spoken(1, 1100)] }, { absentDbfs: -40 });
      expect(manifest.legs.a.codecs).toEqual([`${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`]);
    });
  }

  for (const rate of [8000, 11_025, 12_345, 16_000, 22_050, 44_100, 48_000]) {
    test(`brought to ${rate} Hz, legs of 8 and 16 kHz side by side`, async () => {
      const { audio } = await record(
        {
          a: [{ coding: PCMU, startMs: 0, pcm: speech(8000, 700) }],
          b: [{ coding: l16(16_000), startMs: 0, pcm: speech(16_000, 1100) }],
        },
        { record_sample_rate: rate },
      );
      expect(audio.sampleRate).toBe(rate);
      assertPlan(audio, { durationMs: 3000, tones: [...spoken(0, 700), ...spoken(1, 1100)] });
    });
  }

  test('with losses as silence of the right length', async () => {
    const { audio, manifest } = await record({
      a: [{ coding: PCMU, startMs: 0, pcm: tone(700, 3000, 8000), lost: (n) => n >= 50 && n < 75 }],
    });
    assertPlan(audio, {
      durationMs: 3000,
      tones: [
        { channel: 0, hz: 700, startMs: 0, endMs: 1000 },
        { channel: 0, hz: 700, startMs: 1500, endMs: 3000 },
      ],
      silent: [
        { channel: 0, startMs: 1000, endMs: 1500 },
        { channel: 1, startMs: 0, endMs: 3000 },
      ],
    });
    expect(manifest.legs.a.packets).toMatchObject({ received: 125, lost: 25 });
    expect(manifest.legs.a.gaps).toEqual([{ start_ms: 1000, duration_ms: 500 }]);
  });

  test('that begins later where it began', async () => {
    const { audio } = await record({
      a: [{ coding: PCMU, startMs: 0, pcm: speech(8000, 700) }],
      b: [{ coding: PCMA, startMs: 10_000, pcm: speech(8000, 1100) }],
    });
    assertPlan(audio, { durationMs: 13_000, tones: [...spoken(0, 700), ...spoken(1, 1100, 10_000)] });
  });

  test('with packets of 10 and 60 ms in step', async () => {
    const pcm = sweep(300, 3000, 3000, 8000);
    const { audio } = await record({
      a: [{ coding: PCMU, startMs: 0, pcm, ptimeMs: 10 }],
      b: [{ coding: PCMU, startMs: 0, pcm, ptimeMs: 60 }],
    });
    expect(lagOf(audio.channels[0]!, audio.channels[1]!, 400).lag).toBe(0);
  });

  test('with packets that came 3 s late where they belong', async () => {
    const { audio, manifest } = await record({
      a: [{ coding: PCMU, startMs: 0, pcm: tone(700, 6000, 8000), lateMs: (n) => (n % 10 === 3 ? 3000 : 0) }],
    });
    assertPlan(audio, { tones: [{ channel: 0, hz: 700, startMs: 0, endMs: 6000, dbfs: -12 }] });
    expect(audio.channels[0]!.length).toBe(48_000);
    expect(manifest.legs.a.gaps).toEqual([]);
  });

  test('through a change of codec and SSRC in mid-call', async () => {
    const { audio } = await record({
      a: [
        { coding: PCMU, startMs: 0, pcm: tone(700, 2000, 8000) },
        { coding: G722, startMs: 2000, pcm: tone(1500, 2000, 16_000) },
        { coding: PCMA, startMs: 4000, pcm: tone(900, 2000, 8000) },
      ],
    });
    expect(audio.sampleRate).toBe(16_000);
    assertPlan(audio, {
      durationMs: 6000,
      tones: [
        { channel: 0, hz: 700, startMs: 0, endMs: 2000 },
        { channel: 0, hz: 1500, startMs: 2000, endMs: 4000 },
        { channel: 0, hz: 900, startMs: 4000, endMs: 6000 },
      ],
    });
  });

  test('sample for sample, when nothing has to be changed', async () => {
    const pcm = sweep(200, 3500, 2000, 8000);
    const { audio } = await record({
      a: [{ coding: l16(8000), startMs: 0, pcm }],
      b: [{ coding: l16(8000), startMs: 0, pcm, lateMs: (n) => (n * 7) % 5 }],
    });
    expect(audio.channels[0]).toEqual(pcm);
    expect(audio.channels[1]).toEqual(pcm);
  });

  test('summed in mono, without wrapping', async () => {
    const loud = tone(500, 1000, 8000, 0);
    const { audio } = await record(
      { a: [{ coding: l16(8000), startMs: 0, pcm: loud }], b: [{ coding: l16(8000), startMs: 0, pcm: loud }] },
      { channels: 'mono' },
    );
    expect(audio.channels).toHaveLength(1);
    expect(audio.channels[0]!.every((sample, n) => sample === Math.max(-32_768, Math.min(32_767, 2 * loud[n]!)))).toBe(
      true,
    );
  });

  test('in an mp3 as in a wav, to the sample', async () => {
    const parts = {
      a: [{ coding: PCMU, startMs: 0, pcm: sweep(300, 3000, 3000, 8000) }],
      b: [{ coding: PCMU, startMs: 120, pcm: sweep(3000, 300, 3000, 8000) }],
    };
    const wav = (await record(parts)).audio;
    const mp3 = (await record(parts, { format: 'mp3' })).audio;
    for (const channel of [0, 1]) {
      expect(mp3.channels[channel]!.length).toBe(wav.channels[channel]!.length);
      expect(lagOf(wav.channels[channel]!, mp3.channels[channel]!, 2000)).toMatchObject({ lag: 0 });
    }
  });
});
