/**
 * Where a line lies on the call's clock, with the whole call in view (design §5): the earliest-arrival line, and the drift of the
 * sender's clock where enough was seen to measure it. Pure.
 *
 * For each packet, offset = arrival − end of its audio in media time. Delay only ever adds, so the truth lies along the lower edge:
 * the edge of the lower convex hull that spans the middle of the points is the best line below them all.
 */

import type { LineFit } from '../spool/journal-record.ts';

/** Minima are kept per this much media time, in µs: 12 h are 4,320 of them. */
const BUCKET_US = 10e6;
/** Below these a slope is jitter, not a clock. */
const MIN_SPAN_US = 60e6;
const MIN_DRIFT_US = 4000;
/** Each half of the call shows at least this share of the whole's drift. */
const STEADY_SHARE = 0.5;
/** Beyond this no clock drifts; the line is something else. */
const MAX_DRIFT = 1e-3;

type Point = { readonly mediaUs: number; readonly offsetUs: number };

export class LineObservation {
  /** The least offset of each bucket, by bucket number. */
  readonly #buckets = new Map<number, Point>();
  /** The greatest offset: how late the latest packet was. */
  maxOffsetUs = Number.NEGATIVE_INFINITY;
  minOffsetUs = Number.POSITIVE_INFINITY;

  /** @param mediaUs end of the frame's audio in media time; @param offsetUs its arrival less that. */
  add(mediaUs: number, offsetUs: number): void {
    if (offsetUs > this.maxOffsetUs) this.maxOffsetUs = offsetUs;
    if (offsetUs < this.minOffsetUs) this.minOffsetUs = offsetUs;
    const bucket = Math.floor(mediaUs / BUCKET_US);
    const least = this.#buckets.get(bucket);
    if (least === undefined || offsetUs < least.offsetUs) this.#buckets.set(bucket, { mediaUs, offsetUs });
  }

  fit(): LineFit {
    const points = [...this.#buckets.values()].sort((one, other) => one.mediaUs - other.mediaUs);
    const first = points[0];
    const last = points.at(-1);
    if (first === undefined || last === undefined) return { originUs: 0, scale: 1 };
    const level: LineFit = { originUs: this.minOffsetUs, scale: 1 };
    const span = last.mediaUs - first.mediaUs;
    if (span < MIN_SPAN_US || points.length < 4) return level;
    const middle = Math.floor(points.length / 2);
    const [from, drift] = middleEdge(points);
    const [, before] = middleEdge(points.slice(0, middle));
    const [, after] = middleEdge(points.slice(middle));
    // A clock drifts all the time; a path that changed did so once.
    const steady = Math.min(before / drift, after / drift) > STEADY_SHARE;
    if (Math.abs(drift) * span < MIN_DRIFT_US || Math.abs(drift) > MAX_DRIFT || !steady) return level;
    return { originUs: from.offsetUs - drift * from.mediaUs, scale: 1 + drift };
  }
}

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
