/** Middle values of a few repetitions, how far apart these are, and one driver's speed against another's. Pure. */
import type { Measure } from './trial.ts';

/** @throws RangeError for none. */
export const median = (values: readonly number[]): number => {
  if (values.length === 0) throw new RangeError('no values have no median');
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The median of those that are there; null when there are none. */
export const medianOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
};

/** From the least to the greatest, as a share of the median. */
export const spread = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / median(values);

export const rate = ({ work, seconds }: Measure): number => work / seconds;

export const cpuRate = ({ work, cpuSeconds }: Measure): number | null =>
  cpuSeconds === null || cpuSeconds === 0 ? null : work / cpuSeconds;

/** By round: what is undefined was not run in that round. */
export type Rounds = readonly (Measure | undefined)[];

/**
 * How many times as fast as `yardstick` the driver is, by the clock and by CPU time: the median over rounds, each round's runs held
 * against each other, because what else the machine does changes from round to round.
 */
export const against = (
  driver: Rounds,
  yardstick: Rounds,
): { readonly speed: number | null; readonly cpu: number | null } => {
  const pairs = driver.flatMap((measure, round) => {
    const other = yardstick[round];
    return measure === undefined || other === undefined ? [] : [[measure, other] as const];
  });
  return {
    speed: medianOf(pairs.map(([one, other]) => rate(one) / rate(other))),
    cpu: medianOf(
      pairs.map(([one, other]) => {
        const [ours, theirs] = [cpuRate(one), cpuRate(other)];
        return ours === null || theirs === null ? null : ours / theirs;
      }),
    ),
  };
};
