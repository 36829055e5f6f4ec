/**
 * Loops over blocks of samples, behind one interface: in C where the native kernel was built, in TypeScript everywhere. Both give the same
 * numbers, bit for bit; the TypeScript is the oracle (`test/kernel/twins.test.ts`). Callers own every buffer; none may overlap.
 */
import type { FilterBank } from './filter-bank.ts';

/** Keeps a stream's state from call to call. */
export interface G722Decoding {
  /** Two samples for each byte, as many as `out` has room for. @returns samples written */
  decode(payload: Uint8Array, out: Int16Array): number;
  reset(): void;
}

/** Places in a resampler's state; all are numbers of samples. */
export const RESAMPLE = {
  /** The next output lies between inputs `index` and `index + 1`, at `phase` of an exact bank. */
  index: 0,
  phase: 1,
  /** Outputs so far: of a bank that is not exact, the position is `produced · step`, never a running sum. */
  produced: 2,
  /** What turns an input's index into the place in the queue where its filter begins. */
  toQueue: 3,
  /** Positions up to, not including, this index have all the input they need. */
  ready: 4,
  length: 5,
} as const;

export interface BlockKernel {
  readonly name: 'native' | 'portable';
  /** ITU-T G.711: as many codes as both buffers hold. */
  decodeUlaw(codes: Uint8Array, pcm: Int16Array): void;
  decodeAlaw(codes: Uint8Array, pcm: Int16Array): void;
  g722(): G722Decoding;
  /** Adds `from` to `into`, held within 16 bits. */
  mixInto(into: Int16Array, from: Int16Array): void;
  /** Left and right into pairs: as many as all three have room for. */
  interleave(left: Int16Array, right: Int16Array, pairs: Int16Array): void;
  /** One channel of interleaved samples, from its first, every `step`th, times `scale`: as many as both have. */
  scale(pcm: Int16Array, step: number, scale: number, out: Float32Array): void;
  /** The largest magnitude, 0 to 32768. */
  peakOf(pcm: Int16Array): number;
  /** The sum of squares. */
  energyOf(pcm: Int16Array): number;
  /** What each of some frequencies has of the energy in `samples[from … from + count)`, on the scale of the sum of squares. */
  goertzel(
    samples: Float64Array,
    from: number,
    count: number,
    coefficients: Float64Array,
    energies: Float64Array,
  ): void;
  /** Fills `out` from `from` on, as far as the state says that input is there. @returns the outputs in `out`; the state is brought forward */
  resample(bank: FilterBank, state: Float64Array, queue: Float64Array, out: Int16Array, from: number): number;
}
