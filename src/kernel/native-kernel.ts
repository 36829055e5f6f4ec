/** The kernel in C, through the native module. */
import { type BlockKernel, type G722Decoding, RESAMPLE } from './block-kernel.ts';
import type { FilterBank } from './filter-bank.ts';
import type { Handle, NativeModule } from './native-module.ts';

export const nativeKernel = (native: NativeModule): BlockKernel => ({
  name: 'native',
  decodeUlaw: (codes, pcm) => native.ulawDecode(codes, pcm),
  decodeAlaw: (codes, pcm) => native.alawDecode(codes, pcm),
  g722: () => new NativeG722(native),
  mixInto: (into, from) => native.mixInto(into, from),
  interleave: (left, right, pairs) => native.interleave(left, right, pairs),
  scale: (pcm, step, scale, out) => native.scale(pcm, step, scale, out),
  peakOf: (pcm) => native.peak(pcm),
  energyOf: (pcm) => native.energy(pcm),
  goertzel: (samples, from, count, coefficients, energies) =>
    native.goertzel(samples, from, count, coefficients, energies),
  resample: (bank, state, queue, out, from) => {
    const written = native.resample(bank.coefficients, shapeOf(bank), state, queue, out, from);
    if (!bank.exact) state[RESAMPLE.index] = Math.floor(state[RESAMPLE.produced]! * bank.step);
    return written;
  },
});

const shapes = new WeakMap<FilterBank, Float64Array>();

/** A bank's numbers as the module takes them; an advance of 0 stands for a step between phases. */
const shapeOf = (bank: FilterBank): Float64Array => {
  let shape = shapes.get(bank);
  if (shape === undefined) {
    shape = Float64Array.of(bank.step, bank.phases, bank.exact ? bank.advance : 0, bank.taps);
    shapes.set(bank, shape);
  }
  return shape;
};

class NativeG722 implements G722Decoding {
  readonly #native: NativeModule;
  readonly #decoder: Handle<'g722'>;

  constructor(native: NativeModule) {
    this.#native = native;
    this.#decoder = native.g722Open();
  }

  decode(payload: Uint8Array, out: Int16Array): number {
    return this.#native.g722Decode(this.#decoder, payload, out);
  }

  reset(): void {
    this.#native.g722Reset(this.#decoder);
  }
}
