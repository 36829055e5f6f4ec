/**
 * Where a line lies on the call's clock, with the whole call in view (design §5): the earliest-arrival line, and the drift of the
 * sender's clock where enough was seen to measure it. Pure.
 *
 * For each packet, offset = arrival − end of its audio in media time. Delay only ever adds, so the truth lies along the lower edge:
 * the edge of the lower convex hull that spans the middle of the points is the best line below them all.
 */

import type { LineFit } from '../spool/journal-record.ts';

/** Minima are kept per this much media time, in µs: 12 h are 4,320 of them. */
export const BUCKET_US = 10e6;
/** Below these a slope is jitter, not a clock. */
const MIN_SPAN_US = 60e6;
const MIN_DRIFT_US = 4000;
/** Each half of the call shows at least this share of the whole's drift. */
const STEADY_SHARE = 0.5;
/** Beyond this no clock drifts; the line is something else. */
export const MAX_DRIFT = 1e-3;

export type Point = { readonly mediaUs: number; readonly offsetUs: number };

export class LineObservation {
  /** The least offset of each bucket, by bucket number. */
  readonly #buckets = new Map<number, Point>();
  readonly #keepUs: number;
  /** The greatest offset: how late the latest packet was. */
  maxOffsetUs = Number.NEGATIVE_INFINITY;
  minOffsetUs = Number.POSITIVE_INFINITY;

  /** @param keepUs how much media time is kept in view behind the newest; of everything, only the extremes. */
  constructor(keepUs = Number.POSITIVE_INFINITY) {
    this.#keepUs = keepUs;
  }

  /** @param mediaUs end of the frame's audio in media time; @param offsetUs its arrival less that. */
  add(mediaUs: number, offsetUs: number): void {
    if (offsetUs > this.maxOffsetUs) this.maxOffsetUs = offsetUs;
    if (offsetUs < this.minOffsetUs) this.minOffsetUs = offsetUs;
    const bucket = Math.floor(mediaUs / BUCKET_US);
    const least = this.#buckets.get(bucket);
    if (least === undefined || offsetUs < least.offsetUs) this.#buckets.set(bucket, { mediaUs, offsetUs });
    if (least === undefined) this.forgetBefore(mediaUs - this.#keepUs);
  }

  /** What lies before that is no longer in view. */
  forgetBefore(mediaUs: number): void {
    for (const [bucket, point] of this.#buckets) if (point.mediaUs < mediaUs) this.#buckets.delete(bucket);
  }

  /** By media time. */
  get points(): Point[] {
    return [...this.#buckets.values()].sort((one, other) => one.mediaUs - other.mediaUs);
  }

  fit(): LineFit {
    const found = driftOf(this.points, MIN_DRIFT_US);
    if (found === undefined) return { originUs: this.#buckets.size === 0 ? 0 : this.minOffsetUs, scale: 1 };
    const { from, slope } = found;
    return { originUs: from.offsetUs - slope * from.mediaUs, scale: 1 + slope };
  }
}

/**
 * The drift that points show, if they show one: the line's slope, and a point on it.
 * @param points sorted by media time; @param leastUs what it must amount to
 */
export const driftOf = (
  points: readonly Point[],
  leastUs: number,
): { readonly from: Point; readonly slope: number } | undefined => {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const span = last.mediaUs - first.mediaUs;
  if (span < MIN_SPAN_US || points.length < 4) return undefined;
  const middle = Math.floor(points.length / 2);
  const [from, slope] = middleEdge(points);
  const [, before] = middleEdge(points.slice(0, middle));
  const [, after] = middleEdge(points.slice(middle));
  // A clock drifts all the time; a path that changed did so once.
  const steady = Math.min(before / slope, after / slope) > STEADY_SHARE;
  if (Math.abs(slope) * span < leastUs || Math.abs(slope) > MAX_DRIFT || !steady) return undefined;
  return { from, slope };
};

/** Andrew's monotone chain, lower half. @param points sorted by media time, at least two. */
const lowerHull = (points: readonly Point[]): Point[] => {
  const hull: Point[] = [];
  for (const point of points) {
    while (hull.length >= 2 && !turnsLeft(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    hull.push(point);
  }
  return hull;
};

const turnsLeft = (from: Point, over: Point, to: Point): boolean =>
  (over.mediaUs - from.mediaUs) * (to.offsetUs - from.offsetUs) -
    (over.offsetUs - from.offsetUs) * (to.mediaUs - from.mediaUs) >
  0;

/** The hull's edge over the middle of `points`, at least two: where it begins, and its slope. */
const middleEdge = (points: readonly Point[]): [from: Point, slope: number] => {
  const hull = lowerHull(points);
  const middleUs = (points[0]!.mediaUs + points.at(-1)!.mediaUs) / 2;
  const to = Math.max(
    1,
    hull.findIndex((point) => point.mediaUs >= middleUs),
  );
  const [from, next] = [hull[to - 1]!, hull[to]!];
  return [from, (next.offsetUs - from.offsetUs) / (next.mediaUs - from.mediaUs)];
};
