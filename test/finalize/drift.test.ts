/** Two legs whose senders' clocks differ stay together for an hour (design §5). */
import { describe, expect, test } from 'vitest';
import type { Leg } from '../../src/core/leg.ts';
import { LineObservation } from '../../src/finalize/line-fit.ts';
import { encodeUlaw } from '../../src/kernel/g711.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { hear, manifestOf, Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';
import { seeded, tone } from '../support/tones.ts';

const PCMU: WireCodec = { name: 'PCMU', clockRate: 8000, channels: 1 };
const START_US = Date.UTC(2026, 0, 15) * 1000;
const SECONDS = 3600;
const BEEP_EVERY_SECONDS = 60;
/** The bound. */
const TOGETHER_MS = 20;

/** Onset of the beep near `seconds`, in ms: the first sample of any size in the two seconds around. */
const onset = (pcm: Int16Array, rate: number, seconds: number): number => {
  for (let n = Math.max(0, (seconds - 1) * rate); n < (seconds + 1) * rate; n++)
    if (Math.abs(pcm[n]!) > 2000) return (n * 1000) / rate;
  return Number.NaN;
};

describe('clock drift', () => {
  test('beeps of two legs 200 ppm apart are within 20 ms of each other after an hour', async () => {
    const pipeline = new Pipeline(scratchDir());
    pipeline.call.recordFromFirstFrame({ format: 'wav' }, 'test');
    const random = seeded(7);
    const beep = new Uint8Array(800);
    encodeUlaw(tone(1000, 100, 8000), beep);
    const silence = new Uint8Array(160).fill(0xff);
    // Media time of sample n on a leg, in true seconds: its clock is that much slow.
    const slow: Record<Leg, number> = { a: 1 + 100e-6, b: 1 - 100e-6 };
    const next: Record<Leg, number> = { a: 0, b: 0 };
    const arrival = (leg: Leg): number => (next[leg] + 1) * 0.02 * slow[leg];
    const frames = SECONDS * 50;
    while (next.a < frames || next.b < frames) {
      const leg: Leg = next.b >= frames || (next.a < frames && arrival('a') <= arrival('b')) ? 'a' : 'b';
      const n = next[leg];
      const bytes = Buffer.from(silence);
      for (let i = 0; i < 160; i++) {
        const trueSeconds = ((n * 160 + i) / 8000) * slow[leg];
        const into = Math.floor((trueSeconds % BEEP_EVERY_SECONDS) * 8000);
        if (into < beep.length && trueSeconds >= 1) bytes[i] = beep[into]!;
      }
      const atUs = START_US + arrival(leg) * 1e6 + Math.floor(random() * 4000);
      pipeline.packet({
        leg,
        ssrc: leg === 'a' ? 1 : 2,
        sequence: n & 0xffff,
        timestamp: n * 160,
        arrivalUs: Math.max(atUs, pipeline.call.nowUs),
        codec: PCMU,
        bytes,
      });
      next[leg]++;
      if (n % 5000 === 0) await pipeline.call.drained();
    }
    const [finished] = await pipeline.finish();
    const { channels, sampleRate } = await hear(finished!);
    for (const seconds of [60, 1800, 3000, 3540]) {
      const [a, b] = channels.map((pcm) => onset(pcm, sampleRate, seconds));
      expect(Math.abs(a! - b!)).toBeLessThan(TOGETHER_MS);
      expect(Math.abs(a! - seconds * 1000)).toBeLessThan(TOGETHER_MS);
    }
    const { legs } = manifestOf(finished!);
    expect(legs.a.drift_ppm).toBeCloseTo(-100, -1);
    expect(legs.b.drift_ppm).toBeCloseTo(100, -1);
  }, 300_000);

  const observe = (points: number, offset: (seconds: number) => number): ReturnType<LineObservation['fit']> => {
    const line = new LineObservation();
    for (let n = 0; n < points; n++) line.add(n * 20_000, offset(n * 0.02));
    return line.fit();
  };

  test('jitter on a short call is no drift, and the line is the earliest arrival', () => {
    const random = seeded(1);
    const offsets = Array.from({ length: 3000 }, () => 5000 + random() * 20_000);
    const fit = observe(3000, (seconds) => offsets[Math.round(seconds * 50)]!);
    expect(fit.scale).toBe(1);
    expect(fit.originUs).toBe(offsets.reduce((least, each) => Math.min(least, each)));
  });

  test('a path that gets slower in mid-call is no drift', () => {
    const random = seeded(2);
    expect(observe(180_000, (seconds) => (seconds < 1800 ? 10_000 : 30_000) + random() * 5000).scale).toBe(1);
  });

  for (const ppm of [-300, -20, 20, 300]) {
    test(`measures ${ppm} ppm through 10 ms of jitter`, () => {
      const random = seeded(3);
      const fit = observe(180_000, (seconds) => 10_000 + seconds * ppm + random() * 10_000);
      expect((fit.scale - 1) * 1e6).toBeCloseTo(ppm, 0);
    });
  }
});
