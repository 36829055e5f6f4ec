/**
 * Finds in-band DTMF (ITU-T Q.23 tones by Q.24-like limits) in 16-bit mono, so that it can be cut out. It says where tones are
 * and never which: what was typed is card data and stays inside. Pure: no clock, no I/O.
 *
 * Windows of 12.75 ms, each overlapping half of the one before, are judged alone. A span is three or more alike, outlasts a
 * short break, and is widened by a window at both ends so that it covers the whole tone.
 */
import { goertzelCoefficient } from './goertzel.ts';
import { kernel } from './kernel.ts';

/** Sample positions since the detector's start: the first of the tone and the first after it. */
export type ToneSpan = { readonly start: number; readonly end: number };

const LOW_GROUP = [697, 770, 852, 941];
const HIGH_GROUP = [1209, 1336, 1477, 1633];

const WINDOW_SECONDS = 0.01275;
const HITS_NEEDED = 3;
/** One window in a weak or twisted tone may fail, before the tone counts as one. */
const EARLY_MISSES_FORGIVEN = 1;
/** A break of 10 ms, which Q.24 has a receiver overlook, spoils three windows; a pause between digits spoils more. */
const LATE_MISSES_FORGIVEN = 3;

const ratio = (decibels: number): number => 10 ** (decibels / 10);

/** Each tone has at least this mean square: -30 dBm0, where a sine at full scale is +3 dBm0 (G.711). Q.24 asks for -25. */
const QUIETEST = (32768 ** 2 / 2) * ratio(-33);
/** The two tones have nearly all the energy; speech has formants and harmonics beside them. */
const SMALLEST_SHARE = 0.74;
/** Q.24 lets the high tone be 4 dB above the low one and 8 dB below it; a short window misjudges by up to 2 dB. */
const HIGH_OVER_LOW = ratio(6);
const LOW_OVER_HIGH = ratio(10);
/** Each tone stands out of the other three of its group. */
const OVER_OTHERS = ratio(7);

const NONE = -1;

export class DtmfDetector {
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #energies = new Float64Array(4);
  /** The current window: `#hop` samples of the last one, then `#hop` new ones. */
  readonly #window: Float64Array;
  readonly #hop: number;
  #filled: number;
  /** Position of the first sample of the window that is filling; the first begins half a window early, in silence. */
  #windowStart: number;
  /** What the last hit was, how many alike it makes with those before it, and where they lie. */
  #tone = NONE;
  #hits = 0;
  #missed = 0;
  #firstHit = 0;
  #lastHit = 0;
  #lastEnd = 0;

  /** @param sampleRate in Hz, 8000 to 48000. */
  constructor(sampleRate: number) {
    this.#low = Float64Array.from(LOW_GROUP, (frequency) => goertzelCoefficient(frequency, sampleRate));
    this.#high = Float64Array.from(HIGH_GROUP, (frequency) => goertzelCoefficient(frequency, sampleRate));
    this.#hop = Math.round((sampleRate * WINDOW_SECONDS) / 2);
    this.#window = new Float64Array(2 * this.#hop);
    this.#filled = this.#hop;
    this.#windowStart = -this.#hop;
  }

  /** Whatever lies before this position is decided: it is in a span already returned, or it is no tone. */
  get decidedTo(): number {
    return Math.max(0, this.#tone === NONE ? this.#windowStart - 2 * this.#hop : this.#firstHit - 2 * this.#hop);
  }

  /** @returns the spans that are now known to be over, in order; they never overlap. */
  push(pcm: Int16Array): readonly ToneSpan[] {
    const ended: ToneSpan[] = [];
    for (let i = 0; i < pcm.length; ) {
      const take = Math.min(pcm.length - i, this.#window.length - this.#filled);
      for (let k = 0; k < take; k++) this.#window[this.#filled + k] = pcm[i + k]!;
      this.#filled += take;
      i += take;
      if (this.#filled < this.#window.length) break;
      const span = this.#judgeWindow();
      if (span) ended.push(span);
      this.#window.copyWithin(0, this.#hop);
      this.#filled = this.#hop;
      this.#windowStart += this.#hop;
    }
    return ended;
  }

  /** Ends the input: @returns the span that was still going on, its end within the input. */
  flush(): readonly ToneSpan[] {
    const inputEnd = this.#windowStart + this.#filled;
    const span = this.#endRun();
    return span ? [{ start: span.start, end: Math.min(span.end, inputEnd) }] : [];
  }

  #judgeWindow(): ToneSpan | undefined {
    const tone = this.#toneOfWindow();
    if (tone !== NONE && tone === this.#tone) {
      this.#hits++;
      this.#missed = 0;
      this.#lastHit = this.#windowStart;
      return undefined;
    }
    if (tone === NONE && this.#missed < (this.#hits >= HITS_NEEDED ? LATE_MISSES_FORGIVEN : EARLY_MISSES_FORGIVEN)) {
      this.#missed++;
      return undefined;
    }
    const span = this.#endRun();
    if (tone !== NONE) {
      this.#tone = tone;
      this.#hits = 1;
      this.#firstHit = this.#lastHit = this.#windowStart;
    }
    return span;
  }

  #endRun(): ToneSpan | undefined {
    const isTone = this.#hits >= HITS_NEEDED;
    this.#tone = NONE;
    this.#hits = 0;
    this.#missed = 0;
    if (!isTone) return undefined;
    const start = Math.max(this.#lastEnd, this.#firstHit - 2 * this.#hop);
    this.#lastEnd = this.#lastHit + 4 * this.#hop;
    return { start, end: this.#lastEnd };
  }

  /** Which pair of tones the window holds, or `NONE`. */
  #toneOfWindow(): number {
    const window = this.#window;
    let total = 0;
    for (let i = 0; i < window.length; i++) total += window[i]! * window[i]!;
    const quietest = QUIETEST * window.length;
    if (total < 2 * quietest) return NONE;
    const low = this.#strongest(this.#low);
    const high = this.#strongest(this.#high);
    if (low === undefined || high === undefined) return NONE;
    const isTone =
      low.energy >= quietest &&
      high.energy >= quietest &&
      low.energy + high.energy >= SMALLEST_SHARE * total &&
      high.energy <= HIGH_OVER_LOW * low.energy &&
      low.energy <= LOW_OVER_HIGH * high.energy;
    return isTone ? 4 * low.index + high.index : NONE;
  }

  /** The tone of a group that stands out of the other three. */
  #strongest(group: Float64Array): { index: number; energy: number } | undefined {
    kernel.goertzel(this.#window, 0, this.#window.length, group, this.#energies);
    let index = NONE;
    let energy = 0;
    let second = 0;
    for (let i = 0; i < group.length; i++) {
      const value = this.#energies[i]!;
      if (value > energy) {
        second = energy;
        energy = value;
        index = i;
      } else if (value > second) second = value;
    }
    return energy > OVER_OTHERS * second ? { index, energy } : undefined;
  }
}
