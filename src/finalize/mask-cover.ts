/**
 * The spans of an artefact that masks cover, as far as they are known: they grow with the journal, behind what has been rendered. A
 * mask that is open covers everything from its beginning on. Pure.
 */
import type { MaskRecord } from '../spool/journal-record.ts';
import { Contradiction } from './contradiction.ts';
import { joinSpans, type MaskSpan, maskSpans, type SampleSpan, SEAM_SECONDS } from './mask-render.ts';

export class MaskCover {
  spans: readonly MaskSpan[] = [];
  /** The same in samples, overlapping and touching ones joined. */
  joined: readonly SampleSpan[] = [];
  readonly #startUs: number;
  readonly #sampleRate: number;

  /** @param startUs position 0 on the call's clock */
  constructor(startUs: number, sampleRate: number) {
    this.#startUs = startUs;
    this.#sampleRate = sampleRate;
  }

  /**
   * @param totalSamples the recording's length; infinite while it is not known
   * @param renderedSamples nothing before that may change
   * @throws Contradiction
   */
  cover(masks: readonly MaskRecord[], totalSamples: number, renderedSamples: number): void {
    const before = this.joined;
    this.spans = maskSpans(masks, this.#startUs, this.#sampleRate, totalSamples);
    this.joined = joinSpans(this.spans);
    // A seam of mode `drop` has a slope before it.
    const seam = Math.ceil(SEAM_SECONDS * this.#sampleRate);
    if (renderedSamples > 0 && !areAlike(before, this.joined, renderedSamples, seam))
      throw new Contradiction('a mask reaches back to what has been rendered');
  }
}

const areAlike = (
  one: readonly SampleSpan[],
  other: readonly SampleSpan[],
  rendered: number,
  seam: number,
): boolean => {
  for (let i = 0; ; i++) {
    const [a, b] = [shown(one[i], rendered, seam), shown(other[i], rendered, seam)];
    if (a === undefined || b === undefined) return a === b;
    if (a.start !== b.start || Math.min(a.end, rendered) !== Math.min(b.end, rendered)) return false;
  }
};

/** A span, where any of it shows in what has been rendered. */
const shown = (span: SampleSpan | undefined, rendered: number, seam: number): SampleSpan | undefined =>
  span !== undefined && span.start < rendered + seam ? span : undefined;
