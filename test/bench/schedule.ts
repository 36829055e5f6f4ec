/** What is to be run, in order: every driver once per round, so that what else the machine does falls on all of them alike. */
import type { Peers } from './peers.ts';
import type { AnyGroup, Driver, Trial } from './trial.ts';

export type Turn = { readonly round: number; readonly trial: Trial; readonly driver: Driver };

/** A driver that was left out, and what it lacks. */
export type Skipped = { readonly trial: string; readonly driver: string; readonly lacks: string };

export type Schedule = { readonly turns: readonly Turn[]; readonly skipped: readonly Skipped[] };

export type Wanted = {
  readonly filters: readonly string[];
  /** Groups; none: all. */
  readonly only?: readonly AnyGroup[];
  readonly quick?: boolean;
  readonly long: boolean;
  readonly rounds: number;
};

export const makeSchedule = (
  trials: readonly Trial[],
  { filters, only = [], quick = false, long, rounds }: Wanted,
  peers: Peers,
): Schedule => {
  const chosen = trials
    .filter((trial) => (long || trial.long !== true) && !(quick && trial.thorough === true))
    .filter((trial) => only.length === 0 || only.includes(trial.group))
    .flatMap((trial) =>
      trial.drivers.filter((driver) => isWanted(trial, driver, filters)).map((driver) => ({ trial, driver })),
    );
  const isAble = ({ driver: { needs } }: { driver: Driver }): boolean => needs === undefined || peers.has.has(needs);
  const able = chosen.filter(isAble);
  return {
    turns: Array.from({ length: rounds }, (_, round) =>
      able.filter(({ trial: { mostRounds = rounds } }) => round < mostRounds).map((each) => ({ ...each, round })),
    ).flat(),
    skipped: chosen
      .filter((each) => !isAble(each))
      .map(({ trial, driver }) => ({ trial: trial.name, driver: driver.name, lacks: driver.needs ?? '' })),
  };
};

/** A yardstick runs whenever something that is held against it does. */
const isWanted = (trial: Trial, driver: Driver, filters: readonly string[]): boolean => {
  const names = (each: Driver): string => [trial.group, trial.name, trial.call, each.name].join(' ').toLowerCase();
  const holdsAll = (text: string): boolean => filters.every((filter) => text.includes(filter.toLowerCase()));
  return (
    holdsAll(names(driver)) || (driver.name === trial.yardstick && trial.drivers.some((each) => holdsAll(names(each))))
  );
};
