/** The native kernel against its oracle: the same numbers to the bit, for any input, cut in any way. Skipped by name where it is not built. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BlockKernel } from '../../src/kernel/block-kernel.ts';
import { designFilterBank, LARGEST_STEP, SMALLEST_STEP } from '../../src/kernel/filter-bank.ts';
import { goertzelCoefficient } from '../../src/kernel/goertzel.ts';
import { nativeKernel } from '../../src/kernel/native-kernel.ts';
import { nativeModule } from '../../src/kernel/native-module.ts';
import { portableKernel } from '../../src/kernel/portable-kernel.ts';
import { Resampler } from '../../src/kernel/resampler.ts';
import { seeded } from '../support/tones.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 200);

const bytesOf = (seed: number, length: number): Uint8Array => {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => Math.floor(256 * random()));
};

/** Loud and odd: the ends of the range come as often as anything else. */
const pcmOf = (seed: number, length: number): Int16Array => {
  const random = seeded(seed);
  return Int16Array.from({ length }, () => {
    const kind = random();
    if (kind < 0.1) return -32768;
    if (kind < 0.2) return 32767;
    return Math.floor(65_536 * random()) - 32_768;
  });
};

const lengths = fc.integer({ min: 0, max: 3000 });
const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** A call on each twin; what they give, and what they leave in the buffers. */
const alike = (native: BlockKernel, run: (kernel: BlockKernel) => unknown): void =>
  expect(run(native)).toEqual(run(portableKernel));

describe.skipIf(nativeModule === undefined)('the native kernel gives what the portable one gives', () => {
  const native = nativeModule === undefined ? portableKernel : nativeKernel(nativeModule);

  test('every code of both laws', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    for (const decode of ['decodeUlaw', 'decodeAlaw'] as const) {
      alike(native, (kernel) => {
        const pcm = new Int16Array(256);
        kernel[decode](codes, pcm);
        return pcm;
      });
    }
  });

  test('no more than the shorter buffer, from any place in memory', () => {
    fc.assert(
      fc.property(seeds, lengths, lengths, fc.integer({ min: 0, max: 9 }), (seed, from, to, shift) => {
        const codes = bytesOf(seed, from + shift).subarray(shift);
        alike(native, (kernel) => {
          const pcm = new Int16Array(to);
          kernel.decodeUlaw(codes, pcm);
          return pcm;
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('G.722, whatever the bytes and however they are cut', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 20 }), (seed, pieces) => {
        alike(native, (kernel) => {
          const decoder = kernel.g722();
          const out: number[] = [];
          for (const [index, length] of pieces.entries()) {
            const pcm = new Int16Array(2 * length);
            expect(decoder.decode(bytesOf(seed + index, length), pcm)).toBe(2 * length);
            out.push(...pcm);
            if (index === 7) decoder.reset();
          }
          return out;
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('mixing, pairs, peak and energy', () => {
    fc.assert(
      fc.property(seeds, lengths, lengths, (seed, one, other) => {
        alike(native, (kernel) => {
          const [left, right] = [pcmOf(seed, one), pcmOf(seed + 1, other)];
          const pairs = new Int16Array(one + other + 1);
          kernel.interleave(left, right, pairs);
          kernel.mixInto(left, right);
          return [left, pairs, kernel.peakOf(right), kernel.energyOf(right)];
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('a channel as floats, whatever the scale', () => {
    const scales = fc.oneof(fc.constant(1 / 0.95), fc.double({ min: -3, max: 3, noNaN: true }));
    fc.assert(
      fc.property(seeds, lengths, lengths, fc.integer({ min: 1, max: 5 }), scales, (seed, from, to, step, scale) => {
        const pcm = pcmOf(seed, from);
        alike(native, (kernel) => {
          const out = new Float32Array(to);
          kernel.scale(pcm, step, scale, out);
          return out;
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('a bank of frequencies', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 50 }), (seed, count, from) => {
        const samples = Float64Array.from(pcmOf(seed, count + from));
        const coefficients = Float64Array.from([697, 1209, 50, 3999], (hz) => goertzelCoefficient(hz, 8000));
        alike(native, (kernel) => {
          const energies = new Float64Array(4);
          kernel.goertzel(samples, from, count, coefficients, energies);
          return energies;
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('resampling by any step, pushed and pulled in any pieces', () => {
    const steps = fc.oneof(
      fc.constantFrom(1, 0.5, 2, 6, 1 / 6, 44_100 / 8000, 8000 / 11_025, 1.0002, 0.9997, 1 / 2.0006),
      fc.double({ min: SMALLEST_STEP, max: LARGEST_STEP, noNaN: true }),
    );
    fc.assert(
      fc.property(steps, seeds, fc.array(fc.integer({ min: 0, max: 1200 }), { maxLength: 8 }), (step, seed, pieces) => {
        const bank = designFilterBank(step);
        const resampled = (kernel: BlockKernel): Int16Array => {
          const resampler = new Resampler(step, bank, kernel);
          const out = new Int16Array(20_000);
          let at = 0;
          for (const [index, length] of pieces.entries()) {
            resampler.push(pcmOf(seed + index, length));
            at += resampler.pull(out.subarray(at, Math.min(out.length, at + 700)));
          }
          resampler.end();
          resampler.pull(out.subarray(at));
          return out;
        };
        expect(Buffer.from(resampled(native).buffer).equals(Buffer.from(resampled(portableKernel).buffer))).toBe(true);
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });
});

test.skipIf(nativeModule === undefined)('what is no buffer of the right kind is refused, never read', () => {
  const native = nativeModule!;
  const wrong = (...values: unknown[]): void => {
    expect(() => (native.ulawDecode as (...each: unknown[]) => void)(...values)).toThrow(TypeError);
  };
  wrong();
  wrong(new Uint8Array(4));
  wrong(new Int8Array(4), new Int16Array(4));
  wrong(new Uint8Array(4), new Uint16Array(4));
  wrong([1, 2], new Int16Array(4));
  const foreign = native.g722Open();
  expect(() => native.mp3Flush(foreign as never, new Uint8Array(8000))).toThrow(TypeError);
  expect(() => native.goertzel(new Float64Array(4), 2, 3, new Float64Array(1), new Float64Array(1))).toThrow(TypeError);
  const shape = Float64Array.of(0.5, 2, 1, 8);
  const far = Float64Array.of(0, 0, 0, 0, 1e9);
  expect(() =>
    native.resample(new Float64Array(16), shape, far, new Float64Array(32), new Int16Array(1000), 0),
  ).toThrow();
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1e300]) {
    const state = Float64Array.of(odd, odd, odd, odd, odd);
    try {
      native.resample(new Float64Array(16), shape, state, new Float64Array(32), new Int16Array(1000), 0);
    } catch {}
  }
});
