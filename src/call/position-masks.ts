/**
 * Masks by position in a recording (a replay's `--mask`). A position is a place in the finished file, so a frame is judged by where
 * the finished line puts it, which a rehearsal of the whole call has found; a command's mask, by when its audio was captured. What lies
 * on a line that the rehearsal did not see is withheld near a mask. Pure; µs on the call's clock.
 */
import { LinePath } from '../finalize/line-path.ts';
import type { Foreseen } from '../spool/journal-record.ts';
import type { Mask } from './mask-book.ts';
import type { FramePlacement } from './mask-gate.ts';

/** Nothing that is written was placed farther off than this: lines in doubt are decided sooner. */
const UNFORESEEN_US = 1_000_000;

export class PositionMasks {
  /** Asked for each packet. */
  isEmpty = true;
  readonly #masks: { readonly mask: Mask; readonly fromUs: number; readonly toUs: number }[] = [];
  readonly #lines = new Map<number, LinePath>();

  /** @param foreseen of each recording of the call; a line counts where the first of them puts it. */
  constructor(foreseen: readonly Foreseen[]) {
    for (const { lines } of foreseen)
      for (const [line, pieces] of lines) if (!this.#lines.has(line)) this.#lines.set(line, new LinePath(pieces));
  }

  /** @param fromStart whatever came before position 0 is masked too. */
  add(mask: Mask, fromStart: boolean): void {
    const fromUs = fromStart ? Number.NEGATIVE_INFINITY : mask.startUs;
    this.isEmpty = false;
    this.#masks.push({ mask, fromUs, toUs: mask.endUs ?? Number.POSITIVE_INFINITY });
  }

  /** The first mask that any part of the frame falls into. */
  touching(frame: FramePlacement, clockRate: number): Mask | undefined {
    const path = this.#lines.get(frame.line.id);
    let startUs = frame.earliestUs - UNFORESEEN_US;
    let endUs = frame.latestUs + UNFORESEEN_US;
    if (path !== undefined) {
      const mediaUs = (frame.ticks * 1e6) / clockRate;
      startUs = path.onCall(mediaUs) - frame.reachBackUs;
      endUs = path.onCall(mediaUs + frame.endUs - frame.startUs);
    }
    return this.#masks.find(({ fromUs, toUs }) => fromUs < endUs && startUs < toUs)?.mask;
  }
}
