/**
 * The spans of an artefact that masks cover, as far as they are known: they grow with the journal, behind what has been rendered. A
 * mask that is open covers everything from its beginning on. Worked out when they are asked for: a journal may hold thousands. Pure.
 */
import type { MaskRecord } from '../spool/journal-record.ts';
import { Contradiction } from './contradiction.ts';
import { joinSpans, type MaskSpan, maskSpans, type SampleSpan, SEAM_SECONDS } from './mask-render.ts';

type Covered = { readonly spans: readonly MaskSpan[]; readonly joined: readonly SampleSpan[] };

export class MaskCover {
  readonly #startUs: number;
  readonly #sampleRate: number;
  readonly #masks = new Map<number, MaskRecord>();
  #totalSamples = Number.POSITIVE_INFINITY;
  #known: Covered | undefined;

  /** @param startUs position 0 on the call's clock */
  constructor(masks: readonly MaskRecord[], startUs: number, sampleRate: number) {
    for (const mask of masks) this.#masks.set(mask.id, mask);
    this.#startUs = startUs;
    this.#sampleRate = sampleRate;
  }

  /** In the order they began. */
  get spans(): readonly MaskSpan[] {
    return this.#covered.spans;
  }

  /** The same in samples, overlapping and touching ones joined. */
  get joined(): readonly SampleSpan[] {
    return this.#covered.joined;
  }

  /**
   * A mask that is new, or has changed.
   * @param renderedSamples nothing before that may change
   * @throws Contradiction
   */
  note(mask: MaskRecord, renderedSamples: number): void {
    const before = this.#masks.get(mask.id);
    const isSame = before?.startUs === mask.startUs && before.endUs === mask.endUs;
    const startUs = Math.min(mask.startUs, before?.startUs ?? mask.startUs);
    const isAhead = (startUs - this.#startUs) * this.#sampleRate >= (renderedSamples + this.#reach) * 1e6;
    this.#change(isSame || isAhead ? 0 : renderedSamples, () => this.#masks.set(mask.id, mask));
  }

  /** The recording is so long. @throws Contradiction */
  conclude(totalSamples: number, renderedSamples: number): void {
    this.#change(renderedSamples, () => {
      this.#totalSamples = totalSamples;
    });
  }

  #change(renderedSamples: number, make: () => void): void {
    const before = renderedSamples > 0 ? this.joined : [];
    make();
    this.#known = undefined;
    if (renderedSamples > 0 && !areAlike(before, this.joined, renderedSamples, this.#seam))
      throw new Contradiction('a mask reaches back to what has been rendered');
  }

  get #covered(): Covered {
    if (this.#known === undefined) {
      const masks = [...this.#masks.values()].sort((one, other) => one.startUs - other.startUs);
      const spans = maskSpans(masks, this.#startUs, this.#sampleRate, this.#totalSamples);
      this.#known = { spans, joined: joinSpans(spans) };
    }
    return this.#known;
  }

  /** A seam of mode `drop` has a slope before it. */
  get #seam(): number {
    return Math.ceil(SEAM_SECONDS * this.#sampleRate);
  }

  /** A span begins at a whole millisecond. */
  get #reach(): number {
    return this.#seam + Math.ceil(this.#sampleRate / 500);
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
