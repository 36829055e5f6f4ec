/**
 * G.722 at 64 kbit/s (ITU-T G.722, mode 1): 16 kHz speech, two samples a byte, in two sub-bands of adaptive differential
 * coding that a quadrature mirror filter joins. Pure; the caller owns every buffer; decoding allocates nothing.
 *
 *     byte: | higher band, 2 bits | lower band, 6 bits |
 */
import { G722Band, HIGHER_BAND, LOWER_BAND } from './g722-band.ts';

/** Lower-band output levels of the 6-bit inverse quantiser (QQ6), by code. */
const SIX_BIT_LEVELS = Int32Array.of(
  ...[-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576],
  ...[-7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040],
  ...[-728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456],
  ...[4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136],
);

/** The same for the four leading bits alone, which drive the adaptation so that the lower modes stay in step. */
const FOUR_BIT_LEVELS = Int32Array.of(
  ...[0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0],
);

/** Higher-band output levels of the 2-bit inverse quantiser. */
const TWO_BIT_LEVELS = Int32Array.of(-7408, -1616, 7408, 1616);

/** What each four-bit lower and two-bit higher code adds to its band's logarithmic scale (WL by RL42, WH by RH2). */
const LOWER_LOG_STEPS = Int32Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60);
const HIGHER_LOG_STEPS = Int32Array.of(798, -214, 798, -214);

/** Every second coefficient of the 24-tap mirror filter; the others are the same backwards. */
const MIRROR_FILTER = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);
const HALF = MIRROR_FILTER.length;

/** Rate of the decoded audio in Hz. */
export const G722_SAMPLE_RATE = 16_000;

const limitBand = (value: number): number => (value > 16383 ? 16383 : value < -16384 ? -16384 : value);
const saturate = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value);

export class G722Decoder {
  readonly #lower = new G722Band(LOWER_BAND);
  readonly #higher = new G722Band(HIGHER_BAND);
  /** Sums and differences of the two bands, each written twice so that the newest twelve always lie in one piece. */
  readonly #sums = new Int32Array(2 * HALF);
  readonly #differences = new Int32Array(2 * HALF);
  #at = 0;

  reset(): void {
    this.#lower.reset();
    this.#higher.reset();
    this.#sums.fill(0);
    this.#differences.fill(0);
    this.#at = 0;
  }

  /**
   * Decodes as many bytes as `out` has room for, two samples each, in continuation of the last call.
   * @returns samples written.
   */
  decode(payload: Uint8Array, out: Int16Array): number {
    const count = Math.min(payload.length, out.length >> 1);
    for (let i = 0; i < count; i++) {
      const byte = payload[i]!;
      const low = this.#decodeLower(byte & 0x3f);
      const high = this.#decodeHigher(byte >> 6);
      this.#join(low, high, out, 2 * i);
    }
    return 2 * count;
  }

  #decodeLower(code: number): number {
    const band = this.#lower;
    const sample = limitBand(band.predicted + (Math.imul(band.scale, SIX_BIT_LEVELS[code]!) >> 15));
    const leading = code >> 2;
    band.adapt(Math.imul(band.scale, FOUR_BIT_LEVELS[leading]!) >> 15, LOWER_LOG_STEPS[leading]!);
    return sample;
  }

  #decodeHigher(code: number): number {
    const band = this.#higher;
    const difference = Math.imul(band.scale, TWO_BIT_LEVELS[code]!) >> 15;
    const sample = limitBand(band.predicted + difference);
    band.adapt(difference, HIGHER_LOG_STEPS[code]!);
    return sample;
  }

  /** The receiving mirror filter (RECA, RECB, ACCUMC, ACCUMD, SELECT): one sample of each band becomes two at 16 kHz. */
  #join(low: number, high: number, out: Int16Array, at: number): void {
    const sums = this.#sums;
    const differences = this.#differences;
    const oldest = this.#at;
    sums[oldest] = sums[oldest + HALF] = low + high;
    differences[oldest] = differences[oldest + HALF] = low - high;
    const start = oldest + 1; // The newest twelve, the oldest of them first.
    this.#at = start === HALF ? 0 : start;
    let first = 0;
    let second = 0;
    for (let k = 0; k < HALF; k++) {
      first += Math.imul(differences[start + k]!, MIRROR_FILTER[HALF - 1 - k]!);
      second += Math.imul(sums[start + k]!, MIRROR_FILTER[k]!);
    }
    out[at] = saturate(first >> 11);
    out[at + 1] = saturate(second >> 11);
  }
}
