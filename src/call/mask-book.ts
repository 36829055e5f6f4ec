/**
 * The masks of one call, all of them: open, past, and those set by position (rules 1–3). It answers one question, whether a span
 * of the call's clock touches a mask that somebody asked for. Pure; times in µs on the call's clock; ends are exclusive.
 */
import type { MaskRecord, Trigger } from '../spool/journal-record.ts';

export type Mask = { -readonly [K in keyof MaskRecord]: MaskRecord[K] };

export class MaskBook {
  readonly #masks: Mask[] = [];
  readonly #all: Mask[] = [];
  #open: Mask | undefined;
  /** The latest end of any mask, so that audio after all of them costs one comparison. */
  #latestEndUs = Number.NEGATIVE_INFINITY;

  /** The mask that was asked for and not ended. */
  get open(): Mask | undefined {
    return this.#open;
  }

  get all(): readonly Mask[] {
    return this.#all;
  }

  isMasked(atUs: number): boolean {
    return this.#all.some(({ startUs, endUs }) => startUs <= atUs && (endUs === null || atUs < endUs));
  }

  /** The first mask that any part of `[startUs, endUs)` falls into; a frame of no length counts as an instant. */
  touching(startUs: number, endUs: number): Mask | undefined {
    if (startUs >= this.#latestEndUs) return undefined;
    const end = endUs > startUs ? endUs : startUs + 1;
    for (const mask of this.#masks) {
      if (mask.startUs < end && (mask.endUs === null || startUs < mask.endUs)) return mask;
    }
    return undefined;
  }

  /** Opens a mask. @param startUs where it reaches back to; @param atUs when it was asked for and took effect. */
  begin(startUs: number, atUs: number, trigger: Trigger): Mask {
    const mask: Mask = { id: this.#all.length, startUs, endUs: null, trigger, askedAtUs: atUs, effectiveAtUs: atUs };
    this.#masks.push(mask);
    this.#all.push(mask);
    this.#open = mask;
    this.#latestEndUs = Number.POSITIVE_INFINITY;
    return mask;
  }

  /** Ends the open mask. */
  end(endUs: number, askedAtUs: number, trigger: Trigger): Mask | undefined {
    const mask = this.#open;
    if (mask === undefined) return undefined;
    mask.endUs = endUs;
    mask.unmaskTrigger = trigger;
    mask.unmaskAskedAtUs = askedAtUs;
    this.#open = undefined;
    this.#latestEndUs = Math.max(...this.#masks.map((each) => each.endUs ?? Number.POSITIVE_INFINITY));
    return mask;
  }

  /** Adds a mask by position, whose both ends are known; `touching` leaves it to `PositionMasks`. */
  addSpan(startUs: number, endUs: number, atUs: number, trigger: Trigger): Mask {
    const mask: Mask = { id: this.#all.length, startUs, endUs, trigger, askedAtUs: atUs, effectiveAtUs: startUs };
    this.#all.push(mask);
    return mask;
  }
}
