/**
 * G.722 at 64 kbit/s (ITU-T G.722, mode 1) the other way: 16 kHz PCM to bytes. For tests and samples only; nothing in the
 * product encodes.
 */
import { G722Band, HIGHER_BAND, LOWER_BAND } from '../../src/kernel/g722-band.ts';

/** Decision levels of the 6-bit quantiser (Q6) and the two-bit one; output levels that drive the adaptation. */
const SIX_BIT_DECISIONS = [
  ...[35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339],
  ...[1458, 1612, 1765, 1980, 2195, 2557, 2919],
];
const TWO_BIT_DECISION = 564;
const FOUR_BIT_LEVELS = [
  ...[0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0],
];
const TWO_BIT_LEVELS = [-7408, -1616, 7408, 1616];
const LOWER_LOG_STEPS = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
const HIGHER_LOG_STEPS = [798, -214, 798, -214];
const MIRROR_FILTER = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

const saturate = (value: number): number => Math.max(-32768, Math.min(32767, value));

export class G722Encoder {
  readonly #lower = new G722Band(LOWER_BAND);
  readonly #higher = new G722Band(HIGHER_BAND);
  /** The last 24 samples, the newest last. */
  readonly #history = new Array<number>(24).fill(0);

  /** Two samples a byte; an odd one at the end is left out. */
  encode(pcm: Int16Array): Uint8Array {
    const bytes = new Uint8Array(pcm.length >> 1);
    for (let i = 0; i < bytes.length; i++) {
      this.#history.splice(0, 2);
      this.#history.push(pcm[2 * i], pcm[2 * i + 1]);
      let even = 0;
      let odd = 0;
      for (let k = 0; k < 12; k++) {
        even += this.#history[2 * k] * MIRROR_FILTER[k];
        odd += this.#history[2 * k + 1] * MIRROR_FILTER[11 - k];
      }
      const high = this.#encodeHigher((odd - even) >> 14);
      bytes[i] = (high << 6) | this.#encodeLower((even + odd) >> 14);
    }
    return bytes;
  }

  #encodeLower(sample: number): number {
    const band = this.#lower;
    const difference = saturate(sample - band.predicted);
    const magnitude = difference < 0 ? ~difference : difference;
    let level = 0;
    while (level < SIX_BIT_DECISIONS.length && magnitude >= Math.imul(SIX_BIT_DECISIONS[level], band.scale) >> 12) {
      level++;
    }
    // Codes count down from 61 for positive differences, from 63, 62 and then 31 for negative ones.
    const code = difference >= 0 ? 61 - level : level < 2 ? 63 - level : 33 - level;
    const leading = code >> 2;
    band.adapt(Math.imul(band.scale, FOUR_BIT_LEVELS[leading]) >> 15, LOWER_LOG_STEPS[leading]);
    return code;
  }

  #encodeHigher(sample: number): number {
    const band = this.#higher;
    const difference = saturate(sample - band.predicted);
    const magnitude = difference < 0 ? ~difference : difference;
    const large = magnitude >= Math.imul(TWO_BIT_DECISION, band.scale) >> 12;
    const code = difference < 0 ? (large ? 0 : 1) : large ? 2 : 3;
    band.adapt(Math.imul(band.scale, TWO_BIT_LEVELS[code]) >> 15, HIGHER_LOG_STEPS[code]);
    return code;
  }
}
