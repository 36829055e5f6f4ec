import { expect, test } from 'vitest';
import { CAPABILITIES, type Capability, type Peers } from './peers.ts';
import { makeSchedule, type Schedule } from './schedule.ts';
import type { AnyGroup } from './trial.ts';
import { TRIALS } from './trials.ts';

const peersWith = (...has: Capability[]): Peers => ({ has: new Set(has), versions: {} });
const ALL = peersWith(...CAPABILITIES);

const names = (filters: string[], { long = false, rounds = 1, peers = ALL } = {}): string[] =>
  makeSchedule(TRIALS, { filters, long, rounds }, peers).turns.map(
    ({ round, trial, driver }) => `${round} ${trial.name}: ${driver.name}`,
  );

test('every driver has its turn before any has its second', () => {
  const turns = names(['finalize', '8 khz stereo'], { rounds: 2 });
  expect(turns.slice(turns.length / 2)).toEqual(
    turns.slice(0, turns.length / 2).map((turn) => turn.replace(/^0/, '1')),
  );
});

test('what the machine lacks is skipped by name', () => {
  const { turns, skipped } = makeSchedule(
    TRIALS,
    { filters: ['whole', 'long'], long: false, rounds: 3 },
    peersWith('ffmpeg'),
  );
  expect(new Set(turns.map(({ driver }) => driver.name))).toEqual(new Set(['record-call', 'ffmpeg']));
  expect(skipped).toContainEqual({ trial: 'to mp3', driver: 'lame', lacks: 'lame' });
  expect(skipped.filter(({ driver, trial }) => driver === 'ffmpeg' && trial === 'to mp3')).toHaveLength(1);
});

test('a filter brings the yardstick along', () => {
  expect(names(['LameEncoder'])).toEqual([
    '0 to mp3: LameEncoder',
    '0 to mp3: LameEncoder, libmp3lame',
    '0 to mp3: bare lamejs',
  ]);
});

test('the call of twelve hours is for those who ask', () => {
  expect(names(['day'])).toEqual([]);
  expect(names(['day'], { long: true })).toHaveLength(2);
});

test('groups may be asked for alone, and what takes long is left out of a quick run or run less often', () => {
  const groups = (only: readonly AnyGroup[], { quick = false, rounds = 1 } = {}): Schedule =>
    makeSchedule(TRIALS, { filters: [], only, quick, long: false, rounds }, ALL);
  expect(new Set(groups(['stop', 'journal']).turns.map(({ trial }) => trial.group))).toEqual(
    new Set(['stop', 'journal']),
  );
  expect(groups(['ingest']).turns).toEqual([]);
  expect(groups(['stop'], { quick: true }).turns.map(({ trial }) => trial.call)).not.toContain('evening');
  const evenings = groups(['stop'], { rounds: 3 }).turns.filter(({ trial }) => trial.call === 'evening');
  expect(evenings.map(({ round }) => round)).toEqual([0, 0, 0]);
});

test('figures are told apart: no trial has two drivers, and no driver two rows, of one name', () => {
  for (const { drivers } of TRIALS) {
    expect(new Set(drivers.map(({ name }) => name)).size).toBe(drivers.length);
    for (const driver of drivers) {
      const keys = driver.kind === 'loop' ? driver.rows.map(({ key }) => key) : [];
      expect(new Set(keys).size).toBe(keys.length);
    }
  }
});

test('every yardstick is a driver of its trial, and every goal has one', () => {
  for (const { yardstick, drivers } of TRIALS) {
    if (yardstick !== undefined) expect(drivers.map(({ name }) => name)).toContain(yardstick);
    else expect(drivers.every(({ goal }) => goal === undefined)).toBe(true);
  }
});
