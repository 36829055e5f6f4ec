/**
 * One sub-band of G.722: the adaptive predictor and the adaptive quantiser scale that encoder and decoder run alike
 * (ITU-T G.722 §3.5, §3.6; the blocks of §6.2 are named beside the code). All arithmetic is on 16-bit
 * values that saturate, with products cut after fifteen fraction bits, so that both ends stay equal to the bit.
 */

const saturate = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value);

/** The 16-bit fractional product of two 16-bit values. */
const product = (a: number, b: number): number => Math.imul(a, b) >> 15;

/** 2048 · 2^(i/32): the linear part of the log-to-linear conversion. */
const POWERS: Int32Array = Int32Array.from({ length: 32 }, (_, i) => Math.round(2048 * 2 ** (i / 32)));

const ZEROS = 6;

/** What differs between the two sub-bands: the largest log scale and the shift from log to linear. */
export type BandShape = { readonly largestLogScale: number; readonly shift: number; readonly firstScale: number };

export const LOWER_BAND: BandShape = { largestLogScale: 18432, shift: 8, firstScale: 32 };
export const HIGHER_BAND: BandShape = { largestLogScale: 22528, shift: 10, firstScale: 8 };

export class G722Band {
  /** The prediction of the next sample (SL, SH). */
  predicted = 0;
  /** The quantiser's step scale for the next sample (DETL, DETH). */
  scale: number;

  readonly #shape: BandShape;
  #logScale = 0;
  /** Prediction by the zero section alone (SZ). */
  #zeroPredicted = 0;
  /** Coefficients of the two poles (A) and the six zeros (B). */
  #a1 = 0;
  #a2 = 0;
  readonly #b = new Int32Array(ZEROS);
  /** Past quantised differences (D), doubled as every use has them, the oldest first, with room for one more; past reconstructed (R) and partly reconstructed (P) samples. */
  readonly #d = new Int32Array(ZEROS + 1);
  #r1 = 0;
  #p1 = 0;
  #p2 = 0;

  constructor(shape: BandShape) {
    this.#shape = shape;
    this.scale = shape.firstScale;
  }

  reset(): void {
    this.predicted = 0;
    this.scale = this.#shape.firstScale;
    this.#logScale = this.#zeroPredicted = 0;
    this.#a1 = this.#a2 = this.#r1 = this.#p1 = this.#p2 = 0;
    this.#b.fill(0);
    this.#d.fill(0);
  }

  /**
   * Takes the sample that was just coded and readies `predicted` and `scale` for the next one.
   * @param difference the quantised difference signal (DLT, DH), 16-bit.
   * @param logStep how far the code moves the logarithmic scale (WL, WH).
   */
  adapt(difference: number, logStep: number): void {
    this.#rescale(logStep);
    const reconstructed = saturate(this.predicted + difference); // RECONS
    const partly = saturate(this.#zeroPredicted + difference); // PARREC
    this.#movePoles(partly);
    this.#moveZeros(difference);

    // FILTEP, with the sample before last still in r1.
    const poles = saturate(product(saturate(2 * reconstructed), this.#a1) + product(saturate(2 * this.#r1), this.#a2));
    this.#r1 = reconstructed;
    this.#p2 = this.#p1;
    this.#p1 = partly;
    this.predicted = saturate(poles + this.#zeroPredicted); // PREDIC
  }

  /** LOGSCL, SCALEL and their higher-band twins: the logarithmic scale leaks, moves by the code, and is made linear. */
  #rescale(logStep: number): void {
    const { largestLogScale, shift } = this.#shape;
    const moved = product(this.#logScale, 32512) + logStep;
    this.#logScale = moved < 0 ? 0 : moved > largestLogScale ? largestLogScale : moved;
    const mantissa = POWERS[(this.#logScale >> 6) & 31]!;
    const down = shift - (this.#logScale >> 11);
    this.scale = (down < 0 ? mantissa << -down : mantissa >> down) << 2;
  }

  /**
   * UPPOL2 and UPPOL1: both pole coefficients follow the signs of the partly reconstructed signal, inside the stable region.
   * The leaks keep every sum here and in `#moveZeros` within 16 bits, so nothing but the slope has to saturate.
   */
  #movePoles(partly: number): void {
    const agreesWithLast = (partly ^ this.#p1) >= 0;
    const agreesWithOlder = (partly ^ this.#p2) >= 0;

    const slope = saturate(this.#a1 << 2);
    const pull = (agreesWithLast ? saturate(-slope) : slope) >> 7;
    const second = pull + (agreesWithOlder ? 128 : -128) + product(this.#a2, 32512);
    this.#a2 = second > 12288 ? 12288 : second < -12288 ? -12288 : second;

    const first = (agreesWithLast ? 192 : -192) + product(this.#a1, 32640);
    const limit = 15360 - this.#a2;
    this.#a1 = first > limit ? limit : first < -limit ? -limit : first;
  }

  /** UPZERO, DELAYA and FILTEZ: the zeros follow the signs of the differences, which move on by one. */
  #moveZeros(difference: number): void {
    const b = this.#b;
    const d = this.#d;
    const step = difference === 0 ? 0 : 128;
    d[ZEROS] = saturate(difference << 1);
    let past = d[0]!;
    let sum = 0;
    for (let i = 0; i < ZEROS; i++) {
      const coefficient = ((past ^ difference) < 0 ? -step : step) + product(b[i]!, 32640);
      past = d[i + 1]!;
      b[i] = coefficient;
      d[i] = past;
      sum = saturate(sum + product(past, coefficient));
    }
    this.#zeroPredicted = sum;
  }
}
