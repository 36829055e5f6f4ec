/**
 * Keeps a line's path on its sender's clock while the recording is being made. Every ten seconds of media the path is held against what
 * was seen of the line lately; where it is off, its next piece is aimed at the line. A drift is a belief: it is held until another is
 * as well shown, so that a path that changed once is followed, slowly, and does not pass for a clock. Pure.
 */
import { BUCKET_US, driftOf, type LineObservation, MAX_DRIFT, type Point } from './line-fit.ts';
import { LinePath } from './line-path.ts';

/** So much of a line is kept in view. */
export const VIEW_US = 1200e6;
/** A drift shows over all of the view, or, stronger, over its last minutes: then what was before counts no more. */
const VIEWS: readonly { readonly lastUs: number; readonly leastUs: number }[] = [
  { lastUs: VIEW_US, leastUs: 4000 },
  { lastUs: 300e6, leastUs: 8000 },
  { lastUs: 120e6, leastUs: 16_000 },
];
/** Without a drift the path goes on as it is, its samples copied, until it is off by the first; until the second once it is steered. */
const LEAVE_US = 4000;
const MEET_US = 1000;
/** With one it goes on as long as it meets the line so nearly. */
const NEAR_US = 500;
/** A piece is aimed at where the line is after so much media time. */
const AIM_US = 60e6;
/** Less is none: over all of the view it could not be told from none. */
const LEAST_DRIFT = 2e-6;

export class LineSteering {
  readonly path: LinePath;
  readonly #observation: LineObservation;
  /** The sender's drift, as far as it is known: call time per media time, less 1. */
  #drift: number;
  #looked = Number.NEGATIVE_INFINITY;

  /** Begins with the line as it is seen now. */
  constructor(observation: LineObservation) {
    const fit = observation.fit();
    this.path = LinePath.of(fit);
    this.#observation = observation;
    this.#drift = fit.scale - 1;
  }

  /** @param seenUs media time that was seen; @param placedUs media time up to which frames have been placed */
  look(seenUs: number, placedUs: number): void {
    const bucket = Math.floor(seenUs / BUCKET_US);
    if (bucket <= this.#looked || placedUs <= this.path.last.mediaUs) return;
    this.#looked = bucket;
    this.#steer(placedUs);
  }

  #steer(placedUs: number): void {
    const line = this.#line();
    if (line === undefined) return;
    const { scale } = this.path.last;
    const aimUs = placedUs + AIM_US;
    const wanted = aimUs + line(aimUs);
    const offUs = placedUs + line(placedUs) - this.path.onCall(placedUs);
    let next = clamped((wanted - this.path.onCall(placedUs)) / AIM_US);
    if (this.#drift === 0) {
      if (Math.abs(offUs) <= (scale === 1 ? LEAVE_US : MEET_US)) next = 1;
    } else if (Math.abs(wanted - this.path.onCall(aimUs)) <= NEAR_US) return;
    if (next !== scale) this.path.bend(placedUs, next);
  }

  /** Where the line is, as an offset by media time; brings the drift up to date. */
  #line(): ((mediaUs: number) => number) | undefined {
    const held = this.#drift;
    // What is left when the drift that is known is taken out.
    const points = this.#observation.points.map(
      ({ mediaUs, offsetUs }): Point => ({ mediaUs, offsetUs: offsetUs - held * mediaUs }),
    );
    const last = points.at(-1);
    if (last === undefined) return undefined;
    for (const { lastUs, leastUs } of VIEWS) {
      const fromUs = last.mediaUs - lastUs;
      const found = driftOf(
        points.filter(({ mediaUs }) => mediaUs >= fromUs),
        leastUs,
      );
      if (found === undefined || Math.abs(held + found.slope) > MAX_DRIFT) continue;
      const { from, slope } = found;
      this.#observation.forgetBefore(fromUs);
      this.#drift = Math.abs(held + slope) < LEAST_DRIFT ? 0 : held + slope;
      return (mediaUs) => from.offsetUs + slope * (mediaUs - from.mediaUs) + held * mediaUs;
    }
    const level = points.reduce((least, { offsetUs }) => Math.min(least, offsetUs), Number.POSITIVE_INFINITY);
    return (mediaUs) => level + held * mediaUs;
  }
}

const clamped = (scale: number): number => Math.min(1 + MAX_DRIFT, Math.max(1 - MAX_DRIFT, scale));
