import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DtmfDetector, type ToneSpan } from '../../src/kernel/dtmf-detector.ts';
import { decodeUlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { Resampler } from '../../src/kernel/resampler.ts';
import { hasProgram } from '../support/has.ts';
import { joined, mixInto, noise, seeded, silence, tone } from '../support/tones.ts';

const LOW_GROUP = [697, 770, 852, 941];
const HIGH_GROUP = [1209, 1336, 1477, 1633];
const PAIRS = LOW_GROUP.flatMap((low) => HIGH_GROUP.map((high) => ({ low, high })));

/** dBm0 to the dBFS of `tones.ts`: a full-scale sine is +3.17 dBm0 in G.711. */
const dbfs = (dbm0: number): number => dbm0 - 3.17;

type Signal = {
  ms?: number;
  lowOff?: number;
  highOff?: number;
  lowDbm0?: number;
  highDbm0?: number;
  noiseDbm0?: number;
};

/** One pair of tones between two silences, and where it lies. */
const signal = (pair: { low: number; high: number }, beforeMs: number, sampleRate: number, shape: Signal) => {
  const { ms = 40, lowOff = 0, highOff = 0, lowDbm0 = -10, highDbm0 = -10, noiseDbm0 } = shape;
  const pcm = silence(beforeMs + ms + 60, sampleRate);
  mixInto(pcm, tone(pair.low * (1 + lowOff), ms, sampleRate, dbfs(lowDbm0)), beforeMs, sampleRate);
  mixInto(pcm, tone(pair.high * (1 + highOff), ms, sampleRate, dbfs(highDbm0)), beforeMs, sampleRate);
  if (noiseDbm0 !== undefined) mixInto(pcm, noise(beforeMs + ms + 60, sampleRate, dbfs(noiseDbm0)), 0, sampleRate);
  return {
    pcm,
    start: Math.round((beforeMs * sampleRate) / 1000),
    end: Math.round(((beforeMs + ms) * sampleRate) / 1000),
  };
};

const spansOf = (pcm: Int16Array, sampleRate: number): ToneSpan[] => {
  const detector = new DtmfDetector(sampleRate);
  return [...detector.push(pcm), ...detector.flush()];
};

/** How much beyond the tone a span may reach: its window of 12.75 ms at either end, and what of it a hit may lack. */
const WIDEST_MARGIN_MS = 17;

describe.each([8000, 16_000, 48_000])('at %i Hz', (sampleRate) => {
  // Q.24: what a receiver must take.
  test.each([
    { name: '40 ms at nominal frequencies', shape: {} },
    { name: '1.5 % high', shape: { lowOff: 0.015, highOff: 0.015 } },
    { name: '1.5 % low', shape: { lowOff: -0.015, highOff: -0.015 } },
    { name: 'one high, one low', shape: { lowOff: 0.015, highOff: -0.015 } },
    { name: 'high tone 4 dB up', shape: { lowDbm0: -14 } },
    { name: 'high tone 8 dB down', shape: { lowDbm0: -6, highDbm0: -14 } },
    { name: 'as quiet as -25 dBm0', shape: { lowDbm0: -25, highDbm0: -25 } },
    { name: 'as loud as -3 dBm0', shape: { lowDbm0: -3.5, highDbm0: -3.5 } },
    { name: 'with noise 15 dB below', shape: { noiseDbm0: -25 } },
    { name: 'held for a second', shape: { ms: 1000 } },
  ] satisfies { name: string; shape: Signal }[])('every pair is found and wholly covered: $name', ({ shape }) => {
    const margin = (WIDEST_MARGIN_MS * sampleRate) / 1000;
    for (const pair of PAIRS) {
      for (const beforeMs of [50, 51.3, 53.1, 54.9]) {
        const { pcm, start, end } = signal(pair, beforeMs, sampleRate, shape);
        const spans = spansOf(pcm, sampleRate);
        expect(spans, `${pair.low}+${pair.high} after ${beforeMs} ms`).toHaveLength(1);
        expect(spans[0].start).toBeLessThanOrEqual(start);
        expect(spans[0].start).toBeGreaterThan(start - margin);
        expect(spans[0].end).toBeGreaterThanOrEqual(end);
        expect(spans[0].end).toBeLessThan(end + margin);
      }
    }
  });

  test.each([
    { name: '15 ms', shape: { ms: 15 } },
    { name: '3.5 % off', shape: { ms: 80, lowOff: 0.035, highOff: 0.035 } },
    { name: '-36 dBm0', shape: { ms: 80, lowDbm0: -36, highDbm0: -36 } },
    { name: 'high tone 10 dB up', shape: { ms: 80, lowDbm0: -20 } },
    { name: 'high tone 14 dB down', shape: { ms: 80, lowDbm0: -6, highDbm0: -20 } },
    { name: 'as much noise', shape: { ms: 80, noiseDbm0: -8 } },
  ] satisfies { name: string; shape: Signal }[])('no pair is taken: $name', ({ shape }) => {
    for (const pair of PAIRS) expect(spansOf(signal(pair, 50, sampleRate, shape).pcm, sampleRate)).toEqual([]);
  });

  test('one tone alone, dial tone, ringing, noise and silence are none', () => {
    for (const hz of [...LOW_GROUP, ...HIGH_GROUP]) expect(spansOf(tone(hz, 200, sampleRate), sampleRate)).toEqual([]);
    for (const [first, second] of [
      [350, 440],
      [440, 480],
      [480, 620],
      [425, 450],
      [941, 697],
      [1209, 1477],
    ]) {
      const pcm = tone(first, 300, sampleRate);
      mixInto(pcm, tone(second, 300, sampleRate), 0, sampleRate);
      expect(spansOf(pcm, sampleRate), `${first}+${second}`).toEqual([]);
    }
    expect(spansOf(noise(3000, sampleRate, -6), sampleRate)).toEqual([]);
    expect(spansOf(silence(500, sampleRate), sampleRate)).toEqual([]);
  });
});

test('a card number typed at 50 ms on, 50 ms off is one span a digit, through µ-law too', () => {
  const random = seeded(16);
  const parts = Array.from({ length: 16 }, () => {
    const { low, high } = PAIRS[Math.floor(16 * random())];
    const key = tone(low, 50, 8000, -13);
    mixInto(key, tone(high, 50, 8000, -13), 0, 8000);
    return joined(key, silence(50, 8000));
  });
  const pcm = joined(...parts);
  const codes = new Uint8Array(pcm.length);
  encodeUlaw(pcm, codes);
  decodeUlaw(codes, pcm);
  const spans = spansOf(pcm, 8000);
  expect(spans).toHaveLength(16);
  for (const [k, span] of spans.entries()) {
    expect(span.start).toBeLessThanOrEqual(800 * k);
    expect(span.end).toBeGreaterThanOrEqual(800 * k + 400);
  }
});

test('two digits without a pause give spans that meet and do not overlap', () => {
  const two = joined(
    signal(PAIRS[0], 0, 8000, { ms: 60 }).pcm.subarray(0, 480),
    signal(PAIRS[9], 0, 8000, { ms: 60 }).pcm,
  );
  const spans = spansOf(two, 8000);
  expect(spans).toHaveLength(2);
  expect(spans[1].start).toBeGreaterThanOrEqual(spans[0].end);
  expect(spans[1].start - spans[0].end).toBe(0);
});

test('a break of 10 ms does not split a tone', () => {
  for (let offset = 0; offset < 13; offset++) {
    const { pcm } = signal(PAIRS[5], 50, 8000, { ms: 120 });
    pcm.fill(0, 8 * (100 + offset), 8 * (110 + offset));
    expect(spansOf(pcm, 8000)).toHaveLength(1);
  }
});

test('a tone from the first sample to the last is covered, within the input', () => {
  const { pcm } = signal(PAIRS[3], 0, 8000, { ms: 200 });
  const whole = pcm.subarray(0, 1600);
  expect(spansOf(whole, 8000)).toEqual([{ start: 0, end: 1600 }]);
});

test('however the input is cut, the spans are the same, and none begins before what was decided', () => {
  const pcm = joined(
    ...PAIRS.slice(0, 6).map((pair, k) => signal(pair, 20, 8000, { ms: 30 + 20 * k }).pcm),
    noise(100, 8000, -20),
  );
  const whole = spansOf(pcm, 8000);
  expect(whole.length).toBeGreaterThanOrEqual(5);
  fc.assert(
    fc.property(fc.array(fc.nat(900), { maxLength: 40 }), (cuts) => {
      const detector = new DtmfDetector(8000);
      const spans: ToneSpan[] = [];
      let at = 0;
      let decided = 0;
      for (const cut of [...cuts, pcm.length]) {
        const found = detector.push(pcm.subarray(at, at + cut));
        for (const span of found) expect(span.start).toBeGreaterThanOrEqual(decided);
        spans.push(...found);
        expect(detector.decidedTo).toBeGreaterThanOrEqual(decided);
        expect(detector.decidedTo).toBeLessThanOrEqual(Math.min(pcm.length, at + cut));
        decided = detector.decidedTo;
        at = Math.min(pcm.length, at + cut);
      }
      expect([...spans, ...detector.flush()]).toEqual(whole);
    }),
    { numRuns: 100, seed: 2 },
  );
});

test('what was typed can not be read off the detector', () => {
  const [one, other] = [PAIRS[0], PAIRS[15]].map((pair) => {
    const detector = new DtmfDetector(8000);
    const spans = detector.push(signal(pair, 50, 8000, { ms: 60 }).pcm);
    return JSON.stringify([spans, Object.keys(detector), detector]);
  });
  expect(one).toBe(other);
});

// Speech is where such detectors misfire: vowels have strong pairs of formants and harmonics.
describe.skipIf(!hasProgram('espeak-ng'))('speech', () => {
  const SENTENCES =
    'Good afternoon, this is the billing department, how may I help you today? I would like to pay my invoice by card, please. ' +
    'Certainly, may I have the sixteen digits on the front? One two three four, five six seven eight, nine zero one two. ' +
    'Who knew that a rude blue moon could bloom so soon? We see three trees, the key is free, he means to please me. ' +
    'Oh no, I owe Joe a loan; go slow on the low road home. Father parked the car far from the calm harbour bar. ' +
    'Das Wetter war gestern sehr schön, aber heute regnet es. Vielen Dank für Ihren Anruf und auf Wiederhören. ';

  const spoken = (voice: string, pitch: number): Int16Array => {
    const wav = execFileSync('espeak-ng', ['-v', voice, '-p', String(pitch), '--stdout'], {
      input: SENTENCES.repeat(3),
      maxBuffer: 1 << 27,
    });
    const source = new Int16Array(
      wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + 44 + ((wav.length - 44) & ~1)),
    );
    const resampler = new Resampler(wav.readUInt32LE(24) / 8000);
    resampler.push(source);
    resampler.end();
    const pcm = new Int16Array(Math.floor((source.length * 8000) / wav.readUInt32LE(24)));
    resampler.pull(pcm);
    return pcm;
  };

  test.each([
    ['en', 50],
    ['en', 20],
    ['en-us+f2', 50],
    ['en+m3', 40],
    ['de', 50],
    ['de+f4', 60],
  ] as const)('voice %s at pitch %i is never taken for a tone', (voice, pitch) => {
    const pcm = spoken(voice, pitch);
    expect(pcm.length).toBeGreaterThan(60 * 8000);
    expect(spansOf(pcm, 8000)).toEqual([]);
  });

  test('keys pressed between words are found among them', () => {
    const pcm = spoken('en', 50).slice(0, 20 * 8000);
    const at = 10 * 8000;
    pcm.fill(0, at - 800, at + 1600);
    const { pcm: key } = signal(PAIRS[6], 0, 8000, { ms: 80 });
    pcm.set(key.subarray(0, 640), at);
    const spans = spansOf(pcm, 8000);
    expect(spans).toHaveLength(1);
    expect(spans[0].start).toBeLessThanOrEqual(at);
    expect(spans[0].end).toBeGreaterThanOrEqual(at + 640);
  });
});
