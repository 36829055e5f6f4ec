import { describe, expect, test } from 'vitest';
import { type AudioPlan, assertPlan, planFaults } from './listen.ts';
import { joined, silence, tone } from './tones.ts';

const RATE = 8000;

const plan: AudioPlan = {
  durationMs: 1500,
  tones: [
    { channel: 0, hz: 400, startMs: 0, endMs: 500, dbfs: -12 },
    { channel: 1, hz: 900, startMs: 1000, endMs: 1500 },
  ],
  silent: [{ channel: 0, startMs: 500, endMs: 1500 }],
};

const left = (): Int16Array => joined(tone(400, 500, RATE), silence(1000, RATE));
const right = (): Int16Array => joined(silence(1000, RATE), tone(900, 500, RATE));

const faultsOf = (channels: Int16Array[]): string[] => planFaults({ sampleRate: RATE, channels }, plan);

test('audio that is as planned has no fault', () => {
  expect(faultsOf([left(), right()])).toEqual([]);
  expect(() => assertPlan({ sampleRate: RATE, channels: [left(), right()] }, plan)).not.toThrow();
});

describe('what is not as planned is named with its place', () => {
  const leaking = left();
  leaking[9000] = 1;
  const holed = left();
  holed.fill(0, 2000, 2240);
  const shifted = joined(silence(1100, RATE), tone(900, 400, RATE));
  const stray = joined(tone(400, 500, RATE), silence(400, RATE), tone(900, 300, RATE, -40), silence(300, RATE));
  for (const { name, channels, faults } of [
    { name: 'a missing tone', channels: [left(), silence(1500, RATE)], faults: [/^channel 1: 900 Hz .* is missing/] },
    {
      name: 'one sample in a silence',
      channels: [leaking, right()],
      faults: [/^channel 0 is not silent .*-90\.3 dBFS/],
    },
    { name: 'a hole of 30 ms in a tone', channels: [holed, right()], faults: [/^channel 0: 400 Hz .* quietest/] },
    { name: 'a tone 100 ms late', channels: [left(), shifted], faults: [/^channel 1: 900 Hz .* is missing/] },
    {
      name: 'a tone at half its level',
      channels: [left().map((sample) => sample / 2), right()],
      faults: [/^channel 0: 400 Hz at 0–500 ms is at -18\.0 dBFS/],
    },
    {
      name: 'the other channel heard faintly',
      channels: [stray, right()],
      faults: [/^channel 0: 900 Hz is heard at (89|90)0–1[12]\d0 ms/, /^channel 0 is not silent/],
    },
    {
      name: 'swapped channels',
      channels: [right(), left()],
      faults: [
        /^channel 0: 400 Hz .* is at/,
        /^channel 1: 900 Hz .* missing/,
        /^channel 0: 900 Hz is heard/,
        /^channel 1: 400 Hz is heard/,
        /^channel 0 is not silent/,
      ],
    },
    { name: 'too short', channels: [left().subarray(0, 11_600), right().subarray(0, 11_600)], faults: [/^lasts 1450/] },
    { name: 'one channel instead of two', channels: [left()], faults: [/^channel 1 is missing/] },
  ]) {
    test(name, () => {
      const found = faultsOf(channels);
      for (const fault of faults) expect(found).toContainEqual(expect.stringMatching(fault));
      expect(() => assertPlan({ sampleRate: RATE, channels }, plan)).toThrow(found[0]);
    });
  }
});

test('a silent span past the end of the audio is a fault, not silence', () => {
  const found = planFaults(
    { sampleRate: RATE, channels: [silence(100, RATE)] },
    { tones: [], silent: [{ channel: 0, startMs: 200, endMs: 300 }] },
  );
  expect(found).toEqual(['channel 0 has no samples in 200–300 ms']);
});

test('a tone too short to be heard is a mistake in the plan', () => {
  const short = { tones: [{ channel: 0, hz: 400, startMs: 0, endMs: 80 }] };
  expect(() => planFaults({ sampleRate: RATE, channels: [left()] }, short)).toThrow(RangeError);
});
