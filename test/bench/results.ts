/** What the runs of a benchmark come to: a line for each row of each driver, and how memory grows with the length of a call. */
import { WHOLE } from './run-driver.ts';
import { against, cpuRate, median, medianOf, type Rounds, rate, spread } from './statistics.ts';
import type { CallFiles, Driver, Group, Measure, Row, Trial, Unit } from './trial.ts';

export type Line = {
  readonly group: Group;
  readonly trial: string;
  readonly call: string;
  readonly callMinutes: number;
  readonly driver: string;
  readonly row: string;
  readonly unit: Unit;
  readonly rounds: readonly Measure[];
  /** Medians; `rate` is units per second, for real time how many times as fast. */
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
  readonly rate: number;
  /** Units per second of CPU time, which other work on the machine changes less. */
  readonly cpuRate: number | null;
  /** From the slowest round to the fastest, as a share of the median. */
  readonly spread: number;
  /** How many times as fast as the trial's yardstick. */
  readonly against: { readonly driver: string; readonly speed: number | null; readonly cpu: number | null } | null;
  readonly goal: number | null;
};

export type Growth = {
  readonly trial: string;
  readonly driver: string;
  readonly minutes: readonly number[];
  readonly peakBytes: readonly number[];
};

/** A driver that could not be measured, and why; once, however often it failed. */
export type Failed = { readonly trial: string; readonly call: string; readonly driver: string; readonly why: string };

/** Collects what runs measured. */
export class Results {
  /** By trial as well as by driver: trials share drivers. */
  readonly #runs = new Map<
    Trial,
    { readonly call: CallFiles; readonly rounds: Map<string, (Measure | undefined)[]> }
  >();
  readonly failed: Failed[] = [];

  add(trial: Trial, driver: Driver, call: CallFiles, round: number, measures: ReadonlyMap<string, Measure>): void {
    const run = this.#runs.get(trial) ?? { call, rounds: new Map() };
    this.#runs.set(trial, run);
    for (const [key, measure] of measures) {
      const name = `${driver.name}/${key}`;
      const rounds = run.rounds.get(name) ?? [];
      rounds[round] = measure;
      run.rounds.set(name, rounds);
    }
  }

  fail(trial: Trial, driver: Driver, error: unknown): void {
    const failed = {
      trial: trial.name,
      call: trial.call,
      driver: driver.name,
      why: error instanceof Error ? error.message : String(error),
    };
    const isSame = (each: Failed): boolean =>
      each.trial === failed.trial && each.call === failed.call && each.driver === failed.driver;
    if (!this.failed.some(isSame)) this.failed.push(failed);
  }

  /** In the order of the trials; nothing for what was not run or never succeeded. */
  lines(trials: readonly Trial[]): Line[] {
    return trials.flatMap((trial) => {
      const run = this.#runs.get(trial);
      if (run === undefined) return [];
      return trial.drivers.flatMap((driver) =>
        rowsOf(driver).flatMap((row) => {
          const rounds = run.rounds.get(`${driver.name}/${row.key}`);
          if (rounds === undefined) return [];
          // A program has one figure, whatever ours call theirs.
          const yardstick =
            run.rounds.get(`${trial.yardstick}/${row.key}`) ?? run.rounds.get(`${trial.yardstick}/${WHOLE}`);
          return [lineOf(trial, run.call, driver, row, rounds, yardstick)];
        }),
      );
    });
  }
}

const lineOf = (
  trial: Trial,
  call: CallFiles,
  driver: Driver,
  { label, unit }: Row,
  byRound: Rounds,
  yardstick: Rounds | undefined,
): Line => {
  const rounds = byRound.filter((round) => round !== undefined);
  const rates = rounds.map(rate);
  const isYardstick = driver.name === trial.yardstick;
  return {
    group: trial.group,
    trial: trial.name,
    call: trial.call,
    callMinutes: call.minutes,
    driver: driver.name,
    row: label,
    unit,
    rounds,
    seconds: median(rounds.map(({ seconds }) => seconds)),
    cpuSeconds: medianOf(rounds.map(({ cpuSeconds }) => cpuSeconds)),
    peakBytes: medianOf(rounds.map(({ peakBytes }) => peakBytes)),
    rate: median(rates),
    cpuRate: medianOf(rounds.map(cpuRate)),
    spread: spread(rates),
    against:
      isYardstick || yardstick === undefined ? null : { driver: trial.yardstick!, ...against(byRound, yardstick) },
    goal: driver.goal ?? null,
  };
};

const rowsOf = (driver: Driver): readonly Row[] =>
  driver.kind === 'loop' ? driver.rows : [{ key: WHOLE, label: driver.name, unit: 'real time' }];

/** Peak memory of what was run on calls of several lengths. */
export const growthOf = (lines: readonly Line[]): Growth[] => {
  const grown: Growth[] = [];
  for (const { group, trial, driver } of lines) {
    if (group !== 'whole' || grown.some((each) => each.trial === trial && each.driver === driver)) continue;
    const alike = lines
      .filter(
        (each) => each.group === group && each.trial === trial && each.driver === driver && each.peakBytes !== null,
      )
      .sort((one, other) => one.callMinutes - other.callMinutes);
    if (alike.length < 2) continue;
    grown.push({
      trial,
      driver,
      minutes: alike.map(({ callMinutes }) => callMinutes),
      peakBytes: alike.map(({ peakBytes }) => peakBytes!),
    });
  }
  return grown;
};
