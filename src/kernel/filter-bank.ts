/**
 * The low-pass filter of a resampler, cut into phases: windowed sinc under a Kaiser window, linear phase. Flat to 0.85 of the
 * lower Nyquist frequency, at least 80 dB down at and above it. Designed once, read only; resamplers of one step may share it.
 */

export type FilterBank = {
  /** Input samples per output sample. */
  readonly step: number;
  /** When the step is `advance / phases` exactly, every output sample falls on a phase; else rows are interpolated. */
  readonly exact: boolean;
  /** Phases per input sample. An interpolated bank has one more row, equal to the first one input sample later. */
  readonly phases: number;
  /** Phases from one output sample to the next; 0 when not exact. */
  readonly advance: number;
  /** Coefficients per row, a multiple of 4: a position between inputs i and i + 1 reads inputs `i - taps/2 + 1` to `i + taps/2`. */
  readonly taps: number;
  /** The rows one after the other; each sums to 1, so that a constant stays itself. */
  readonly coefficients: Float64Array;
};

/** 8 kHz from 48 kHz and back, with room for a clock that drifts. */
export const SMALLEST_STEP = 1 / 6.5;
export const LARGEST_STEP = 6.5;

const PASSBAND = 0.85;
const STOPBAND_DB = 84;
/** Kaiser's formulas: the shape for an attenuation, and the length for the band between pass and stop. */
const BETA = 0.1102 * (STOPBAND_DB - 8.7);
const HALF_LENGTH = Math.ceil((STOPBAND_DB - 7.95) / (2.285 * Math.PI * (1 - PASSBAND)) / 2);

/** How far from 1 a step still stands for two clocks that should be one. */
const MOST_DRIFT = 1e-3;

const INTERPOLATED_PHASES = 256;
const MOST_EXACT_PHASES = 640;
const MOST_COEFFICIENTS = 1 << 17;

/**
 * @param drifting it is to serve steps near this one, by `withStep`: never exact, and as long as the exact one.
 * @throws RangeError when the step is outside `[SMALLEST_STEP, LARGEST_STEP]`.
 */
export function designFilterBank(step: number, drifting = false): FilterBank {
  if (!(step >= SMALLEST_STEP && step <= LARGEST_STEP)) throw new RangeError(`no resampler for a step of ${step}`);
  if (step === 1 && !drifting) {
    // Nothing to filter: each output sample is its input sample.
    return { step, exact: true, phases: 1, advance: 1, taps: 4, coefficients: Float64Array.of(0, 1, 0, 0) };
  }
  // A clock's drift needs no low-pass, only the values between samples: the band may end past Nyquist, at half the length.
  const drifts = Math.abs(step - 1) <= MOST_DRIFT;
  const halfLength = drifts ? HALF_LENGTH / 2 : HALF_LENGTH * Math.max(1, step);
  const taps = 4 * Math.ceil(halfLength / 2);
  const mostPhases = Math.min(MOST_EXACT_PHASES, Math.floor(MOST_COEFFICIENTS / taps));
  const exactPhases = drifting ? undefined : denominator(step, mostPhases);
  const phases = exactPhases ?? INTERPOLATED_PHASES;
  const rows = exactPhases ?? INTERPOLATED_PHASES + 1;
  const cutoff = drifts ? 1 : ((1 + PASSBAND) / 2) * Math.min(1, 1 / step);
  const coefficients = new Float64Array(rows * taps);
  for (let row = 0; row < rows; row++) {
    fillRow(coefficients.subarray(row * taps, (row + 1) * taps), row / phases, cutoff, halfLength);
  }
  const advance = exactPhases === undefined ? 0 : Math.round(step * exactPhases);
  return { step, exact: exactPhases !== undefined, phases, advance, taps, coefficients };
}

/** The same filter for a step that differs by a clock's drift. @param bank not exact */
export const withStep = (bank: FilterBank, step: number): FilterBank => ({ ...bank, step });

/** The smallest q, at most `largest`, for which `step · q` is a whole number as far as a double can say. */
function denominator(step: number, largest: number): number | undefined {
  for (let q = 1; q <= largest; q++) {
    const whole = Math.round(step * q);
    if (Math.abs(step * q - whole) <= whole * Number.EPSILON) return q;
  }
  return undefined;
}

/** One phase: the sinc around a position `fraction` of the way from one input sample to the next. `cutoff` 1 is the input's Nyquist. */
function fillRow(row: Float64Array, fraction: number, cutoff: number, halfLength: number): void {
  const before = row.length / 2 - 1;
  let sum = 0;
  for (let k = 0; k < row.length; k++) {
    const distance = k - before - fraction;
    const value = sinc(cutoff * distance) * kaiser(distance / halfLength);
    row[k] = value;
    sum += value;
  }
  for (let k = 0; k < row.length; k++) row[k] = row[k]! / sum;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** The window at `x` of its half length, not normalised: rows are. */
const kaiser = (x: number): number => (x <= -1 || x >= 1 ? 0 : besselI0(BETA * Math.sqrt(1 - x * x)));

/** The modified Bessel function of order zero, by its power series. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}
