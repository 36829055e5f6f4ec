/**
 * What a mask sounds like in the artefact (design §4 rule 7): silence, a quiet regular beep, or nothing at all with the seam faded.
 * The whole reported span, rounded outward to milliseconds and then to samples, holds nothing of the call. Pure.
 */
import type { MaskMode } from '../core/record-call.ts';
import type { MaskRecord } from '../spool/journal-record.ts';

/** A mask by position in the recording, on the call's clock. */
export type MaskSpan = {
  readonly mask: MaskRecord;
  readonly startMs: number;
  readonly endMs: number;
  /** At the artefact's rate; `[startSample, endSample)`. */
  readonly startSample: number;
  readonly endSample: number;
};

/** Doubles near 1.7e15 µs are 0.25 µs apart: an instant this close to a millisecond is that millisecond. */
const ROUNDING_MS = 0.002;

/**
 * The masks that touch a recording, in order.
 * @param startUs position 0 on the call's clock; @param totalSamples the recording's length before anything is dropped.
 */
export const maskSpans = (
  masks: readonly MaskRecord[],
  startUs: number,
  sampleRate: number,
  totalSamples: number,
): MaskSpan[] => {
  const totalMs = Math.ceil((totalSamples * 1000) / sampleRate - ROUNDING_MS);
  const spans: MaskSpan[] = [];
  for (const mask of masks) {
    const startMs = Math.max(0, Math.floor((mask.startUs - startUs) / 1000 + ROUNDING_MS));
    const askedEndMs = mask.endUs === null ? totalMs : Math.ceil((mask.endUs - startUs) / 1000 - ROUNDING_MS);
    const endMs = Math.min(totalMs, askedEndMs);
    if (endMs <= startMs) continue;
    const startSample = Math.min(totalSamples, Math.floor((startMs * sampleRate) / 1000));
    const endSample = Math.min(totalSamples, Math.ceil((endMs * sampleRate) / 1000));
    spans.push({ mask, startMs, endMs, startSample, endSample });
  }
  return spans;
};

/** `[start, end)` in samples, overlapping and touching ones joined, in order. */
export type SampleSpan = { readonly start: number; readonly end: number };

export const joinSpans = (spans: readonly MaskSpan[]): SampleSpan[] => {
  const joined: { start: number; end: number }[] = [];
  for (const { startSample, endSample } of [...spans].sort((one, other) => one.startSample - other.startSample)) {
    const last = joined.at(-1);
    if (last !== undefined && startSample <= last.end) last.end = Math.max(last.end, endSample);
    else joined.push({ start: startSample, end: endSample });
  }
  return joined;
};

/** Where sample `position` of the recording lies in an artefact whose `spans` were dropped. */
export const afterDropping = (position: number, spans: readonly SampleSpan[]): number =>
  spans.reduce((left, span) => left - Math.max(0, Math.min(position, span.end) - span.start), position);

/** The beep of mode `tone`: 425 Hz at −36 dBFS, 150 ms of every 3 s, with 10 ms slopes. */
export const BEEP = { hz: 425, peak: 519, onSeconds: 0.15, everySeconds: 3, slopeSeconds: 0.01 } as const;

/** Sample `n` of a masked span in mode `tone`. */
export const beepSample = (n: number, sampleRate: number): number => {
  const seconds = (n / sampleRate) % BEEP.everySeconds;
  if (seconds >= BEEP.onSeconds) return 0;
  const slope = Math.min(1, seconds / BEEP.slopeSeconds, (BEEP.onSeconds - seconds) / BEEP.slopeSeconds);
  return Math.round(BEEP.peak * slope * Math.sin(2 * Math.PI * BEEP.hz * seconds));
};

/** Slopes at a seam of mode `drop`: long enough not to click, short enough not to be heard. */
export const SEAM_SECONDS = 0.005;

export class MaskRenderer {
  readonly #mode: MaskMode;
  readonly #cover: { readonly joined: readonly SampleSpan[] };
  readonly #rate: number;
  readonly #seam: number;

  /** @param cover its spans may grow, behind what has been rendered. */
  constructor(mode: MaskMode, cover: { readonly joined: readonly SampleSpan[] }, sampleRate: number) {
    this.#mode = mode;
    this.#cover = cover;
    this.#rate = sampleRate;
    this.#seam = Math.round(SEAM_SECONDS * sampleRate);
  }

  /**
   * Renders `count` samples of a channel in place; `pcm[0]` is sample `position` of the recording.
   * @returns how many samples are left, at the front of `pcm`: fewer than `count` only in mode `drop`.
   */
  render(pcm: Int16Array, count: number, position: number): number {
    let kept = count;
    const { joined } = this.#cover;
    for (let i = joined.length - 1; i >= 0; i--) {
      const { start, end } = joined[i]!;
      const from = Math.max(0, start - position);
      const to = Math.min(count, end - position);
      switch (this.#mode) {
        case 'silence':
          if (from < to) pcm.fill(0, from, to);
          break;
        case 'tone':
          for (let n = from; n < to; n++) pcm[n] = beepSample(position + n - start, this.#rate);
          break;
        case 'drop':
          this.#fade(pcm, count, position, start, end);
          if (from < to) {
            pcm.copyWithin(from, to, kept);
            kept -= to - from;
          }
          break;
        default:
          this.#mode satisfies never;
      }
    }
    return kept;
  }

  /** Down to nothing before the seam, up from nothing behind it. */
  #fade(pcm: Int16Array, count: number, position: number, start: number, end: number): void {
    const length = this.#seam;
    for (let n = Math.max(0, start - length - position); n < Math.min(count, start - position); n++) {
      pcm[n] = Math.round((pcm[n]! * (start - position - n)) / (length + 1));
    }
    for (let n = Math.max(0, end - position); n < Math.min(count, end + length - position); n++) {
      pcm[n] = Math.round((pcm[n]! * (n + position - end + 1)) / (length + 1));
    }
  }
}
