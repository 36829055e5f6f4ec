import { expect, test } from 'vitest';
import { parseBenchOptions } from './options.ts';
import { ALL_GROUPS } from './trial.ts';

test('groups are named by commas or one by one, filters stay filters', () => {
  const { only, filters } = parseBenchOptions(['mp3', '--only', 'finalize,stop', '--only', 'ingest', '--quick']);
  expect({ only, filters }).toEqual({ only: ['finalize', 'stop', 'ingest'], filters: ['mp3'] });
  expect(parseBenchOptions([]).only).toEqual([]);
});

test('a group that isn’t there is an error that names those that are', () => {
  expect(() => parseBenchOptions(['--only', 'ingest,everything'])).toThrow(ALL_GROUPS.join(', '));
});

for (const { args, rounds } of [
  { args: [], rounds: 3 },
  { args: ['--quick'], rounds: 1 },
  { args: ['--quick', '--rounds', '2'], rounds: 2 },
]) {
  test(`${args.join(' ') || 'nothing'} asks for ${rounds} rounds`, () => {
    expect(parseBenchOptions(args).rounds).toBe(rounds);
  });
}
