import { expect, test } from 'vitest';
import { goalsOf } from './goals.ts';
import { reportLines } from './report.ts';
import { growthOf, type Line, Results } from './results.ts';
import type { CallFiles, CallName, LoopDriver, Measure, Trial } from './trial.ts';

const call = (name: CallName, minutes: number): CallFiles => ({
  name,
  minutes,
  seconds: minutes * 60,
  packets: 1,
  capture: '',
  pcm: undefined,
});

const loop = (name: string, goal?: number): LoopDriver => ({
  kind: 'loop',
  name,
  loop: 'encode',
  rows: [{ key: 'encode', label: name, unit: 'real time' }],
  ...(goal === undefined ? {} : { goal }),
});

const ours = loop('ours', 0.9);
const theirs = loop('theirs');
const trial = (name: string, callName: CallName): Trial => ({
  group: 'encode',
  name,
  call: callName,
  yardstick: 'theirs',
  drivers: [ours, theirs],
});

const took = (seconds: number, cpuSeconds = seconds): Map<string, Measure> =>
  new Map([['encode', { work: 60, seconds, cpuSeconds, peakBytes: 1 << 20 }]]);

const report = (lines: readonly Line[]): string =>
  reportLines({
    machine: { cpu: 'a cpu', cores: 2, memoryBytes: 2 ** 33, system: 'Linux', versions: { node: '20' } },
    rounds: 1,
    lines,
    growth: [],
    goals: goalsOf({ lines, ingest: null, pipeline: null }),
    live: null,
    streams: null,
    ingest: null,
    pipeline: null,
    recorders: null,
    skipped: [{ trial: 'to mp3', driver: 'sox', lacks: 'sox with mp3' }],
    failed: [{ trial: 'to mp3', call: 'long', driver: 'lame', why: 'no reason' }],
    tookSeconds: 1,
    loadBefore: 5,
  }).join('\n');

test('two trials that share their drivers keep their figures apart', () => {
  const [one, other, never] = [trial('one', 'long'), trial('other', 'short'), trial('never', 'day')];
  const results = new Results();
  results.add(one, ours, call('long', 60), 0, took(2));
  results.add(other, ours, call('short', 10), 0, took(4));
  const lines = results.lines([one, other, never]);
  expect(lines.map((line) => [line.trial, line.callMinutes, line.rate])).toEqual([
    ['one', 60, 30],
    ['other', 10, 15],
  ]);
});

test('a driver is held against the yardstick of its own trial, which is held against nothing', () => {
  const one = trial('one', 'long');
  const results = new Results();
  results.add(one, ours, call('long', 60), 0, took(2));
  results.add(one, theirs, call('long', 60), 0, took(1));
  expect(results.lines([one]).map((line) => line.against)).toEqual([{ driver: 'theirs', speed: 0.5, cpu: 0.5 }, null]);
});

test('what fails in every round is told once', () => {
  const one = trial('one', 'long');
  const results = new Results();
  results.fail(one, ours, new Error('no'));
  results.fail(one, ours, new Error('no'));
  expect(results.failed).toEqual([{ trial: 'one', call: 'long', driver: 'ours', why: 'no' }]);
  expect(results.lines([one])).toEqual([]);
});

test('memory is told by length of call, shortest first, for whole calls only', () => {
  const whole = (name: CallName): Trial => ({ ...trial('to wav', name), group: 'whole' });
  const [long, short] = [whole('long'), whole('short')];
  const results = new Results();
  const peak = (peakBytes: number): Map<string, Measure> =>
    new Map([['encode', { work: 60, seconds: 1, cpuSeconds: 1, peakBytes }]]);
  results.add(long, ours, call('long', 60), 0, peak(300));
  results.add(short, ours, call('short', 10), 0, peak(200));
  const lines = results.lines([long, short]);
  expect(growthOf(lines)).toEqual([{ trial: 'to wav', driver: 'ours', minutes: [10, 60], peakBytes: [200, 300] }]);
  expect(growthOf(lines.map((line) => ({ ...line, group: 'encode' })))).toEqual([]);
});

test('the report names what was skipped, what failed, and a machine that was busy', () => {
  const text = report([]);
  expect(text).toContain('skipped: sox, to mp3: this machine has no sox with mp3');
  expect(text).toContain('failed: lame, to mp3, long call: no reason');
  expect(text).toContain('busy with other work');
});
