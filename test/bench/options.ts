/** The benchmark's own command line. */
import { parseArgs } from 'node:util';
import { ALL_GROUPS, type AnyGroup } from './trial.ts';

export const USAGE = `npm run bench -- [FILTER…] [--only GROUP,…] [--quick] [--long] [--rounds N] [--json FILE]

  FILTER        only trials and drivers whose names hold all of these, such as: resampling, mp3, lamejs, live
  --only GROUP  only these, by commas: ${ALL_GROUPS.join(' ')}
  --quick       one round, shorter calls, fewer trials: to see that it works, not to compare
  --long        adds a call of twelve hours (about 4 GB of temporary files)
  --rounds N    how often each is run, in turn with the others; 3 by default
  --json FILE   writes the results there; without it they are printed after the table
`;

export type BenchOptions = {
  readonly filters: readonly string[];
  /** Empty: all of them. */
  readonly only: readonly AnyGroup[];
  readonly quick: boolean;
  readonly long: boolean;
  readonly rounds: number;
  readonly json: string | undefined;
  readonly help: boolean;
};

/** @throws Error that says what is wrong. */
export const parseBenchOptions = (args: readonly string[]): BenchOptions => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, long, json, help } = values;
  const rounds = values.rounds === undefined ? (quick ? 1 : 3) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds takes a whole number from 1 to 100, not "${values.rounds}"`);
  }
  const only = values.only.flatMap((names) => names.split(',')).filter((name) => name !== '');
  const unknown = only.find((name) => !isGroup(name));
  if (unknown !== undefined) throw new Error(`--only takes ${ALL_GROUPS.join(', ')}, not "${unknown}"`);
  return { filters: positionals, only: only.filter(isGroup), quick, long, rounds, json, help };
};

const isGroup = (name: string): name is AnyGroup => (ALL_GROUPS as readonly string[]).includes(name);
