import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { designFilterBank, LARGEST_STEP, withStep } from '../../src/kernel/filter-bank.ts';
import { kernel as bestKernel } from '../../src/kernel/kernel.ts';
import { portableKernel } from '../../src/kernel/portable-kernel.ts';
import { Resampler } from '../../src/kernel/resampler.ts';
import { joined, levelOf, noise, peak, rmsDbfs, seeded, tone } from '../support/tones.ts';

/** Input and output rate in Hz, and how much faster than said the input's clock runs. */
const CONVERSIONS = [
  { from: 8000, to: 16_000, clock: 1 },
  { from: 16_000, to: 8000, clock: 1 },
  { from: 48_000, to: 8000, clock: 1 },
  { from: 8000, to: 48_000, clock: 1 },
  { from: 44_100, to: 8000, clock: 1 },
  { from: 8000, to: 11_025, clock: 1 },
  { from: 48_000, to: 44_100, clock: 1 },
  { from: 11_025, to: 47_999, clock: 1 },
  { from: 8000, to: 16_000, clock: 1 + 300e-6 },
  { from: 48_000, to: 8000, clock: 1 - 300e-6 },
];
/** Two clocks that should be one: nothing but the values between samples is asked for. */
const DRIFTS = [
  { from: 8000, to: 8000, clock: 1 + 200e-6 },
  { from: 8000, to: 8000, clock: 1 - 300e-6 },
  { from: 16_000, to: 16_000, clock: 1 + 300e-6 },
  { from: 48_000, to: 48_000, clock: 1 - 200e-6 },
];
const ALL = [...CONVERSIONS, ...DRIFTS];

const stepOf = ({ from, to, clock }: (typeof ALL)[number]): number => (from / to) * clock;

const resampled = (input: Int16Array, step: number, count: number): Int16Array => {
  const resampler = new Resampler(step);
  resampler.push(input);
  resampler.end();
  const out = new Int16Array(count);
  expect(resampler.pull(out)).toBe(count);
  return out;
};

const sine = (hz: number, sampleRate: number, count: number, amplitude: number): Float64Array =>
  Float64Array.from({ length: count }, (_, n) => amplitude * Math.sin((2 * Math.PI * hz * n) / sampleRate));

describe.each(ALL)('$from Hz to $to Hz, clock × $clock', (conversion) => {
  const { from, to } = conversion;
  const step = stepOf(conversion);
  const lowerNyquist = Math.min(from, to) / 2;
  const inputOf = (hz: number, seconds: number, amplitude = 16_384): Int16Array =>
    Int16Array.from(sine(hz, from, Math.ceil(seconds * from), amplitude), Math.round);

  /** Half a unit of rounding at each end, and 80 dB under the tone. */
  const LARGEST_ERROR = 3;

  test.each([0.05, 0.31, 0.6, 0.85])(
    'a tone at %d of the lower Nyquist is the same tone, sample by sample, in its place',
    (share) => {
      const hz = share * lowerNyquist;
      const out = resampled(inputOf(hz, 0.3), step, Math.floor((0.3 * from) / step));
      // What the tone is at input position n · step: frequency, level and phase in one.
      const ideal = sine(hz * step, from, out.length, 16_384);
      const settled = Math.ceil(0.02 * to);
      let worst = 0;
      for (let n = settled; n < out.length - settled; n++) worst = Math.max(worst, Math.abs(out[n] - ideal[n]));
      expect(worst).toBeLessThan(LARGEST_ERROR);
    },
  );

  test('a constant stays that constant', () => {
    const out = resampled(new Int16Array(from / 5).fill(-12_345), step, Math.floor(from / 5 / step));
    expect(new Set(out.subarray(to / 50, out.length - to / 50))).toEqual(new Set([-12_345]));
  });

  test('silence is silence, and an impulse touches nothing beyond the filter’s reach', () => {
    expect(peak(resampled(new Int16Array(2000), step, 3000))).toBe(0);
    const input = new Int16Array(4000);
    input[2000] = 32767;
    const out = resampled(input, step, Math.floor(3900 / step));
    const reach = designFilterBank(step).taps / 2;
    const loudest = out.indexOf(peak(out));
    expect(Math.abs(loudest * step - 2000)).toBeLessThanOrEqual(step);
    expect(peak(out.subarray(0, Math.floor((2000 - reach) / step)))).toBe(0);
    expect(peak(out.subarray(Math.ceil((2000 + reach) / step) + 1))).toBe(0);
  });

  test('an overshoot is held within 16 bits, never wrapped', () => {
    const period = 100 * Math.max(1, step);
    const input = Int16Array.from({ length: 12 * period }, (_, n) =>
      Math.floor(n / period) % 2 === 0 ? 32767 : -32768,
    );
    const out = resampled(input, step, Math.floor((11 * period) / step));
    // Away from the edges of the square, where it rings beyond full scale, the sign can only be the input's.
    for (let n = 0; n < out.length; n++) {
      const phase = ((n * step) / period) % 2;
      if (Math.abs((phase % 1) - 0.5) < 0.47) expect(Math.sign(out[n]), `sample ${n}`).toBe(phase < 1 ? 1 : -1);
    }
    expect(peak(out)).toBe(32768);
  });
});

/** Under the tone, dB. */
const REJECTION = 70;

test.each(CONVERSIONS.filter(({ from, to }) => to < from))(
  'nothing at or above $to / 2 Hz survives from $from Hz',
  (conversion) => {
    const { from, to } = conversion;
    const step = stepOf(conversion);
    for (const share of [1, 1.03, 1.1, 1.3, 1.7, 2.2, 3.9, 5.9].filter((share) => share * to < from)) {
      const hz = (share * to) / 2;
      const out = resampled(tone(hz, 300, from, -3), step, Math.floor((0.3 * from) / step));
      expect(rmsDbfs(out, to, 20, 280), `${hz} Hz`).toBeLessThan(-3 - REJECTION);
    }
  },
);

test.each(CONVERSIONS.filter(({ from, to }) => to > from))(
  'no image of $from Hz appears above its Nyquist at $to Hz',
  (conversion) => {
    const { from, to } = conversion;
    const step = stepOf(conversion);
    for (const share of [0.05, 0.5, 0.85, 0.95, 0.99]) {
      const hz = (share * from) / 2;
      const out = resampled(tone(hz, 1000, from, -3), step, Math.floor(from / step));
      for (const image of [from - hz, from + hz, 2 * from - hz].filter((image) => image < to / 2)) {
        expect(levelOf(out, to, image, 50, 950), `${image} Hz`).toBeLessThan(-3 - REJECTION);
      }
    }
  },
);

test('a sweep of tones is flat within 0.5 dB to 3.4 kHz, both ways between 8 and 16 kHz', () => {
  for (const [from, to] of [
    [8000, 16_000],
    [16_000, 8000],
  ]) {
    for (let hz = 50; hz <= 3400; hz += 50) {
      const out = resampled(tone(hz, 200, from, -6), from / to, to / 5);
      expect(Math.abs(levelOf(out, to, hz, 20, 180) + 6), `${hz} Hz`).toBeLessThan(0.5);
    }
  }
});

test('a step of 1 is a bit-exact copy from the first sample', () => {
  const input = noise(100, 8000, 0);
  input[0] = -32768;
  input[1] = 32767;
  expect([...resampled(input, 1, input.length)]).toEqual([...input]);
});

test('after the end, silence goes on for as long as it is asked for', () => {
  const out = resampled(noise(10, 8000, 0), 0.5, 20_000);
  expect(peak(out.subarray(400))).toBe(0);
  expect(peak(out.subarray(0, 100))).toBeGreaterThan(1000);
});

test('without the end, no sample is given out that later input could change', () => {
  const input = noise(200, 8000, -6);
  for (const step of [0.5, 2, 1.0003, 160 / 441]) {
    const whole = resampled(input, step, Math.floor(input.length / step));
    const resampler = new Resampler(step);
    resampler.push(input.subarray(0, 800));
    const early = new Int16Array(whole.length);
    const count = resampler.pull(early);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(800 / step);
    expect([...early.subarray(0, count)]).toEqual([...whole.subarray(0, count)]);
  }
});

test('however the input and the output are cut, the samples are the same', () => {
  const steps = ALL.map(stepOf);
  const input = noise(150, 8000, -3, 9);
  const cuts = fc.array(fc.nat(300), { maxLength: 30 });
  fc.assert(
    fc.property(fc.constantFrom(...steps), cuts, cuts, (step, pushes, pulls) => {
      const whole = resampled(input, step, Math.floor(input.length / step));
      const resampler = new Resampler(step);
      const out = new Int16Array(whole.length);
      let taken = 0;
      let given = 0;
      for (let k = 0; k < Math.max(pushes.length, pulls.length); k++) {
        const next = Math.min(input.length, taken + (pushes[k] ?? 0));
        resampler.push(input.subarray(taken, next));
        taken = next;
        given += resampler.pull(out.subarray(given, given + (pulls[k] ?? 0)));
      }
      resampler.push(input.subarray(taken));
      resampler.end();
      given += resampler.pull(out.subarray(given));
      expect(given).toBe(whole.length);
      expect(Buffer.compare(Buffer.from(out.buffer), Buffer.from(whole.buffer))).toBe(0);
    }),
    { numRuns: 150, seed: 1 },
  );
});

test('a drifting clock is in step after five minutes', () => {
  const step = 1 + 200e-6;
  const resampler = new Resampler(step);
  const out = new Int16Array(8000);
  // Silence, then a click that the fast clock counted 200 ppm late.
  const seconds = 300;
  const click = Math.round(seconds * 8000 * step);
  const input = new Int16Array(8000);
  let produced = 0;
  let loudest = -1;
  for (let at = 0; at <= click; at += input.length) {
    input.fill(0);
    if (click < at + input.length) input[click - at] = 20_000;
    resampler.push(input);
    if (click < at + input.length) resampler.end();
    const count = resampler.pull(out);
    const found = out.subarray(0, count).findIndex((sample) => sample > 10_000);
    if (found >= 0) loudest = produced + found;
    produced += count;
  }
  expect(Math.abs(loudest - seconds * 8000)).toBeLessThanOrEqual(1);
});

test('resamplers may share a bank', () => {
  const bank = designFilterBank(0.5);
  const input = noise(20, 8000, -6);
  const shared = [new Resampler(0.5, bank), new Resampler(0.5, bank)].map((resampler) => {
    const out = new Int16Array(320);
    resampler.push(input);
    resampler.end();
    resampler.pull(out);
    return [...out];
  });
  expect(shared[0]).toEqual(shared[1]);
  expect(shared[0]).toEqual([...resampled(input, 0.5, 320)]);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 * LARGEST_STEP, 0.01])('a step of %d is refused', (step) => {
  expect(() => new Resampler(step)).toThrow(RangeError);
});

test('input after the end is refused', () => {
  const resampler = new Resampler(0.5);
  resampler.end();
  expect(() => resampler.push(new Int16Array(1))).toThrow('ended');
});

test('random steps all keep a tone in its place', () => {
  const random = seeded(11);
  for (let k = 0; k < 25; k++) {
    const step = 1 / 6 + random() * (6 - 1 / 6);
    const from = 48_000;
    const hz = 0.8 * (from / 2) * Math.min(1, 1 / step) * random();
    const count = Math.floor(9600 / step);
    const out = resampled(Int16Array.from(sine(hz, from, 9600, 16_384), Math.round), step, count);
    const ideal = sine(hz * step, from, count, 16_384);
    let worst = 0;
    for (let n = Math.ceil(1000 / step); n < count - 1000 / step; n++)
      worst = Math.max(worst, Math.abs(out[n] - ideal[n]));
    expect(worst, `step ${step}, ${hz} Hz`).toBeLessThan(3);
  }
});

describe('a bend', () => {
  const sineAt = (hz: number, position: number): number => 12_000 * Math.sin((2 * Math.PI * hz * position) / 8000);

  /** Inputs come in pieces; after some of them the step is another. */
  const bent = (
    nominal: number,
    bends: readonly { readonly at: number; readonly ppm: number }[],
    length: number,
    cut: () => number,
    kernel = portableKernel,
  ): { out: Int16Array; position: (n: number) => number } => {
    const bank = designFilterBank(nominal, true);
    const resampler = new Resampler(nominal, nominal === 1 ? withStep(bank, 1) : designFilterBank(nominal), kernel);
    const input = Int16Array.from({ length }, (_, n) => Math.round(sineAt(300, n)));
    const parts: Int16Array[] = [];
    let at = 0;
    for (const { at: until, ppm } of [...bends, { at: length, ppm: 0 }]) {
      while (at < until) {
        const to = Math.min(until, at + cut());
        resampler.push(input.subarray(at, to));
        at = to;
        const out = new Int16Array(4000);
        for (let made = resampler.pull(out); made > 0; made = resampler.pull(out)) parts.push(out.slice(0, made));
      }
      if (until < length) resampler.bend(nominal * (1 - ppm / 1e6), bank);
    }
    // Input position of output n, piece by piece.
    const position = (n: number): number => {
      let [from, outs, step] = [0, 0, nominal];
      for (const { at: until, ppm } of bends) {
        const more = (until - from) / step;
        if (n < outs + more) break;
        [from, outs, step] = [until, outs + more, nominal * (1 - ppm / 1e6)];
      }
      return from + (n - outs) * step;
    };
    return { out: joined(...parts), position };
  };

  const BENDS = [
    { at: 3000, ppm: 1000 },
    { at: 9000, ppm: -1000 },
    { at: 9010, ppm: 200 },
    { at: 20_000, ppm: 0 },
    { at: 26_500, ppm: 37 },
  ];

  for (const nominal of [1, 0.5, 2, 8000 / 11_025])
    test(`goes on without a seam: each output is the input where it lies, at a step of ${nominal}`, () => {
      const { out, position } = bent(nominal, BENDS, 40_000, () => 160);
      let worst = 0;
      for (let n = 400; n < out.length; n++) worst = Math.max(worst, Math.abs(out[n]! - sineAt(300, position(n))));
      expect(worst).toBeLessThan(3);
    });

  test('is where its input was when it was asked for, however that was cut, and the same in both kernels', () => {
    const random = seeded(5);
    const whole = bent(0.5, BENDS, 30_000, () => 30_000).out;
    for (const kernel of [portableKernel, bestKernel])
      expect(bent(0.5, BENDS, 30_000, () => 1 + Math.floor(random() * 500), kernel).out).toEqual(whole);
  });

  test('adds up no error: after a thousand of them the output is where it was meant to be', () => {
    const bends = Array.from({ length: 1000 }, (_, n) => ({ at: 1600 * (n + 1), ppm: n % 2 === 0 ? 400 : -390 }));
    const { out, position } = bent(1, bends, 1600 * 1001, () => 160);
    let worst = 0;
    for (let n = out.length - 2000; n < out.length - 20; n++)
      worst = Math.max(worst, Math.abs(out[n]! - sineAt(300, position(n))));
    expect(worst).toBeLessThan(3);
  });

  test('takes over from a copy with what came before it', () => {
    const input = Int16Array.from({ length: 2000 }, (_, n) => Math.round(sineAt(300, n)));
    const step = 1 - 1e-4;
    const resampler = new Resampler(
      step,
      withStep(designFilterBank(1, true), step),
      undefined,
      input.subarray(900, 1000),
    );
    resampler.push(input.subarray(1000));
    const out = new Int16Array(500);
    resampler.pull(out);
    let worst = 0;
    for (let n = 0; n < 500; n++) worst = Math.max(worst, Math.abs(out[n]! - sineAt(300, 1000 + n * step)));
    expect(out[0]).toBe(input[1000]);
    expect(worst).toBeLessThan(3);
  });
});
