/** When an open mask has been on for longer than its recordings allow (design §4 rule 9); told once for each mask. */
import type { RecordCallFields } from '../core/record-call.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Mask, MaskBook } from './mask-book.ts';

export type MaskExpiry = NonNullable<RecordCallFields['mask_expiry']>;

export class MaskDeadline {
  readonly #masks: MaskBook;
  #told: Mask | undefined;

  constructor(masks: MaskBook) {
    this.#masks = masks;
  }

  /** The strictest of the recordings' limits on the open mask; infinite when there is none, or it was told. */
  next(running: readonly Recorder[]): { atUs: number; expiry: MaskExpiry } {
    let strictest: { atUs: number; expiry: MaskExpiry } = { atUs: Number.POSITIVE_INFINITY, expiry: 'alert' };
    const open = this.#masks.open;
    if (open === undefined || open === this.#told) return strictest;
    for (const { fields } of running) {
      if (fields.mask_max_sec === undefined) continue;
      const atUs = open.effectiveAtUs + fields.mask_max_sec * 1e6;
      if (atUs < strictest.atUs) strictest = { atUs, expiry: fields.mask_expiry ?? 'alert' };
    }
    return strictest;
  }

  /** What is overdue at `nowUs` and was not told yet. */
  take(running: readonly Recorder[], nowUs: number): { atUs: number; expiry: MaskExpiry } | undefined {
    const next = this.next(running);
    if (nowUs < next.atUs) return undefined;
    this.#told = this.#masks.open;
    return next;
  }
}
