/**
 * Looks at one mask's part of an artefact while it is being decoded: it must be what was rendered there, silence or the beep. In a wav
 * to the sample; an mp3 changes every sample a little. Pure.
 */
import type { Check } from './check.ts';
import type { ManifestMask } from './manifest.ts';
import { BEEP, beepSample } from './mask-render.ts';

/**
 * An mp3 frame's transform reaches over its neighbours: what is next to a mask rings into it this far. Two frames of MPEG-2 and 2.5,
 * one of MPEG-1; nothing masked was ever given to the encoder, so this is sound from outside.
 */
const MP3_SMEAR_SAMPLES = 1152;
/** Largest peak of an mp3's silence away from its edges, of 32768: −60 dBFS. */
const MP3_SILENCE_PEAK = 33;
/** A beep may come out of an mp3 this much larger. */
const MP3_BEEP_MARGIN = 2;

/** One for each mask, in the manifest's order. */
export const maskChecks = (masks: readonly ManifestMask[], isMp3: boolean, sampleRate: number): MaskCheck[] => {
  const starts = beepStarts(masks);
  return masks.map((mask) => new MaskCheck(mask, isMp3, sampleRate, starts.get(mask)!));
};

/** Masks that overlap or touch were rendered as one span: where each one's began. */
const beepStarts = (masks: readonly ManifestMask[]): Map<ManifestMask, number> => {
  const starts = new Map<ManifestMask, number>();
  let start = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const mask of [...masks].sort((one, other) => one.artefact.start_sample - other.artefact.start_sample)) {
    if (mask.artefact.start_sample > end) start = mask.artefact.start_sample;
    end = Math.max(end, mask.artefact.end_sample);
    starts.set(mask, start);
  }
  return starts;
};

export class MaskCheck {
  readonly #mask: ManifestMask;
  readonly #from: number;
  readonly #to: number;
  readonly #isMp3: boolean;
  readonly #rate: number;
  readonly #beepStart: number;
  /** How far the sound was looked at. */
  #seen = 0;
  /** Largest difference from what belongs there: silence, or the beep. */
  #excess = 0;

  /** @param beepStart sample at which the beep of its span began: masks that overlap are one span. */
  constructor(mask: ManifestMask, isMp3: boolean, rate: number, beepStart: number) {
    this.#beepStart = beepStart;
    const smear = isMp3 ? MP3_SMEAR_SAMPLES : 0;
    this.#mask = mask;
    this.#isMp3 = isMp3;
    this.#rate = rate;
    this.#from = mask.artefact.start_sample + smear;
    this.#to = mask.artefact.end_sample - smear;
  }

  /** @param chunk interleaved; every chunk of the artefact in order. @param position of its first sample. */
  take(chunk: Int16Array, position: number, channels: number): void {
    this.#seen = position + chunk.length / channels;
    const from = Math.max(0, this.#from - position) * channels;
    const to = Math.min(chunk.length, (this.#to - position) * channels);
    const { mode } = this.#mask;
    for (let i = from; i < to; i++) {
      const at = position + Math.floor(i / channels) - this.#beepStart;
      const belongs = mode === 'tone' ? beepSample(at, this.#rate) : 0;
      // An mp3 smears the beep: near it, anything as quiet as the beep may be its own.
      const room = this.#isMp3 && mode === 'tone' && this.#isNearBeep(at) ? MP3_BEEP_MARGIN * BEEP.peak : 0;
      this.#excess = Math.max(this.#excess, Math.abs(chunk[i]! - belongs) - room);
    }
  }

  /** What was found, when there are no more chunks. */
  result(): Check {
    const { start_ms: startMs, end_ms: endMs, mode, artefact } = this.#mask;
    const name = `mask ${startMs}–${endMs} ms`;
    if (mode === 'drop') return { name, ok: true, detail: 'dropped: it is no part of the artefact' };
    const limit = this.#isMp3 ? MP3_SILENCE_PEAK : 0;
    if (this.#excess > limit) return { name, ok: false, detail: `holds sound, peak ${this.#excess} of 32768` };
    if (this.#seen < artefact.end_sample)
      return { name, ok: false, detail: 'not seen to its end: the sound ends, or can not be read, before it' };
    const smearMs = Math.ceil((MP3_SMEAR_SAMPLES * 1000) / this.#rate);
    if (this.#to <= this.#from) {
      return { name, ok: true, detail: `too short to be told: an mp3 smears what is beside it by ${smearMs} ms` };
    }
    const unseen = this.#isMp3 ? `, but for ${smearMs} ms at either end, where an mp3 smears what is beside it` : '';
    return { name, ok: true, detail: (mode === 'tone' ? 'nothing but the beep' : 'silent') + unseen };
  }

  #isNearBeep(at: number): boolean {
    const period = BEEP.everySeconds * this.#rate;
    const within = at % period;
    return within <= BEEP.onSeconds * this.#rate + MP3_SMEAR_SAMPLES || within >= period - MP3_SMEAR_SAMPLES;
  }
}
