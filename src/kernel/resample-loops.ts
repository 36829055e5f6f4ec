/** The inner loops of the resampler: a polyphase filter at each output's position. Pure; state and buffers are the caller's. */
import { RESAMPLE } from './block-kernel.ts';
import type { FilterBank } from './filter-bank.ts';

const toInt16 = (value: number): number => {
  const rounded = Math.floor(value + 0.5);
  return rounded > 32767 ? 32767 : rounded < -32768 ? -32768 : rounded;
};

/** `BlockKernel.resample` */
export const resample = (
  bank: FilterBank,
  state: Float64Array,
  queue: Float64Array,
  out: Int16Array,
  from: number,
): number => (bank.exact ? exact : between)(bank, state, queue, out, from);

/** A step that is a ratio of whole numbers: every position falls on a phase, counted without rounding. */
const exact = (
  { phases, advance, taps, coefficients }: FilterBank,
  state: Float64Array,
  queue: Float64Array,
  out: Int16Array,
  from: number,
): number => {
  const toQueue = state[RESAMPLE.toQueue]!;
  const ready = state[RESAMPLE.ready]!;
  let index = state[RESAMPLE.index]!;
  let phase = state[RESAMPLE.phase]!;
  let written = from;
  while (written < out.length && index < ready) {
    const row = phase * taps;
    const at = index + toQueue;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let k = 0; k < taps; k += 4) {
      const i = row + k;
      const j = at + k;
      a += coefficients[i]! * queue[j]!;
      b += coefficients[i + 1]! * queue[j + 1]!;
      c += coefficients[i + 2]! * queue[j + 2]!;
      d += coefficients[i + 3]! * queue[j + 3]!;
    }
    out[written++] = toInt16(a + b + (c + d));
    for (phase += advance; phase >= phases; phase -= phases) index++;
  }
  state[RESAMPLE.index] = index;
  state[RESAMPLE.phase] = phase;
  return written;
};

/** Any other step: the two nearest phases, weighted by how near they are. */
const between = (
  { step, phases, taps, coefficients }: FilterBank,
  state: Float64Array,
  queue: Float64Array,
  out: Int16Array,
  from: number,
): number => {
  const toQueue = state[RESAMPLE.toQueue]!;
  const ready = state[RESAMPLE.ready]!;
  let index = state[RESAMPLE.index]!;
  let produced = state[RESAMPLE.produced]!;
  let written = from;
  while (written < out.length && index < ready) {
    const position = produced * step;
    const fraction = (position - index) * phases;
    const phase = fraction | 0;
    const row = phase * taps;
    const at = index + toQueue;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let k = 0; k < taps; k += 2) {
      const i = row + k;
      const even = queue[at + k]!;
      const odd = queue[at + k + 1]!;
      a += coefficients[i]! * even;
      b += coefficients[i + 1]! * odd;
      c += coefficients[i + taps]! * even;
      d += coefficients[i + taps + 1]! * odd;
    }
    const near = a + b;
    out[written++] = toInt16(near + (fraction - phase) * (c + d - near));
    index = Math.floor(++produced * step);
  }
  state[RESAMPLE.index] = index;
  state[RESAMPLE.produced] = produced;
  return written;
};
