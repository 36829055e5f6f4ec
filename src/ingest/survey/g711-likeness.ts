/**
 * Tells µ-law from A-law by listening, for streams whose payload type nobody explains (ITU-T G.711). Both readings of the same
 * bytes are compared: speech and tones of a telephone move little from sample to sample and swing around zero; read by the
 * wrong law they jump, or rest far from zero. Noise, and every other codec, fits neither. Pure; keeps sums, no audio.
 *
 *     roughness = (Σ|x[n] − x[n−1]| + |Σx|) / (Σ|x| + 8·n)        0 is the smoothest, √2 is white noise
 */
import { ALAW_TO_PCM, ULAW_TO_PCM } from '../../kernel/g711.ts';

/** Above this neither reading is sound. */
const ROUGHEST = 1.1;
/** The better reading must be smoother by this factor. */
const CLEARLY = 1.3;
/** A fifth of a second at 8 kHz: fewer samples decide nothing. */
const LEAST_SAMPLES = 1600;
/** Silence of either law is a step or two around zero, which counts as smooth. */
const QUIET = 8;

class Reading {
  readonly #table: Int16Array;
  #moves = 0;
  #sizes = 0;
  #sum = 0;
  #last = 0;

  constructor(table: Int16Array) {
    this.#table = table;
  }

  push(code: number): void {
    const sample = this.#table[code]!;
    this.#moves += Math.abs(sample - this.#last);
    this.#sizes += Math.abs(sample);
    this.#sum += sample;
    this.#last = sample;
  }

  roughness(samples: number): number {
    return (this.#moves + Math.abs(this.#sum)) / (this.#sizes + QUIET * samples);
  }
}

export class G711Likeness {
  readonly #ulaw = new Reading(ULAW_TO_PCM);
  readonly #alaw = new Reading(ALAW_TO_PCM);
  #samples = 0;

  push(data: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      this.#ulaw.push(data[at]!);
      this.#alaw.push(data[at]!);
    }
    this.#samples += end - start;
  }

  /** `undefined`: too little was heard, or it is neither. */
  get law(): 'PCMU' | 'PCMA' | undefined {
    if (this.#samples < LEAST_SAMPLES) return undefined;
    const ulaw = this.#ulaw.roughness(this.#samples);
    const alaw = this.#alaw.roughness(this.#samples);
    if (Math.min(ulaw, alaw) > ROUGHEST) return undefined;
    if (alaw > CLEARLY * ulaw) return 'PCMU';
    return ulaw > CLEARLY * alaw ? 'PCMA' : undefined;
  }
}
