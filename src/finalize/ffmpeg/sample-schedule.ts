/**
 * The order in which decoded and silent samples make up a track: what was sent to the decoder says what its output is.
 * Pure.
 */

export type SampleRun = { readonly decoded: boolean; readonly samples: number };

/** A queue of runs. It is as long as the changes between sound and silence that the decoder has not answered yet. */
export class SampleSchedule {
  readonly #runs: { readonly decoded: boolean; samples: number }[] = [];
  /** All samples added so far. */
  samples = 0;

  add(decoded: boolean, samples: number): void {
    if (samples === 0) return;
    this.samples += samples;
    const last = this.#runs.at(-1);
    if (last?.decoded === decoded) last.samples += samples;
    else this.#runs.push({ decoded, samples });
  }

  /**
   * The next run, at most as long as `available` when it is one of decoded samples. Undefined when nothing is
   * scheduled, or when decoded samples are next and none is available.
   */
  take(available: number): SampleRun | undefined {
    const first = this.#runs[0];
    if (first === undefined) return undefined;
    const samples = first.decoded ? Math.min(first.samples, available) : first.samples;
    if (samples === 0) return undefined;
    first.samples -= samples;
    if (first.samples === 0) this.#runs.shift();
    return { decoded: first.decoded, samples };
  }
}
