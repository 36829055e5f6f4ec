/** When an open mask has been on for longer than its recordings allow (design §4 rule 9); told once for each mask and recording. */
import type { RecordCallFields } from '../core/record-call.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Mask, MaskBook } from './mask-book.ts';

export type MaskExpiry = NonNullable<RecordCallFields['mask_expiry']>;

/** `recorder`: whose limit it is, when there is one. */
export type Deadline = { readonly atUs: number; readonly expiry: MaskExpiry; readonly recorder?: Recorder };

export class MaskDeadline {
  readonly #masks: MaskBook;
  /** Of the mask in `#toldMask`, whose limits were told. */
  readonly #told = new Set<Recorder>();
  #toldMask: Mask | undefined;

  constructor(masks: MaskBook) {
    this.#masks = masks;
  }

  /** The strictest of the recordings' limits on the open mask; infinite when there is none that was not told. */
  next(running: readonly Recorder[]): Deadline {
    let strictest: Deadline = { atUs: Number.POSITIVE_INFINITY, expiry: 'alert' };
    const open = this.#masks.open;
    if (open === undefined) return strictest;
    if (open !== this.#toldMask) this.#told.clear();
    this.#toldMask = open;
    for (const recorder of running) {
      const { fields } = recorder;
      if (fields.mask_max_sec === undefined || this.#told.has(recorder)) continue;
      const atUs = open.effectiveAtUs + fields.mask_max_sec * 1e6;
      if (atUs < strictest.atUs) strictest = { atUs, expiry: fields.mask_expiry ?? 'alert', recorder };
    }
    return strictest;
  }

  /** What is overdue at `nowUs` and was not told yet. */
  take(running: readonly Recorder[], nowUs: number): Deadline | undefined {
    const next = this.next(running);
    if (nowUs < next.atUs) return undefined;
    if (next.recorder !== undefined) this.#told.add(next.recorder);
    return next;
  }
}
