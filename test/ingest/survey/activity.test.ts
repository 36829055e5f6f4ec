import { expect, test } from 'vitest';
import { Activity } from '../../../src/ingest/survey/activity.ts';

const NEVER = Number.NEGATIVE_INFINITY;
const seconds = (activity: Activity) =>
  activity.bursts.map(({ firstUs, lastUs, packets }) => [firstUs / 1e6, lastUs / 1e6, packets]);

for (const { name, times, signalled = NEVER, bursts } of [
  { name: 'close packets are one burst', times: [0, 0.02, 1.9], bursts: [[0, 1.9, 3]] },
  {
    name: 'two seconds of silence divide',
    times: [0, 1, 3.1, 3.2],
    bursts: [
      [0, 1, 2],
      [3.1, 3.2, 2],
    ],
  },
  {
    name: 'less is enough where signalling was seen in between',
    times: [0, 1, 1.5],
    signalled: 1.2,
    bursts: [
      [0, 1, 2],
      [1.5, 1.5, 1],
    ],
  },
  { name: 'signalling before the burst changes nothing', times: [1, 1.5, 2.2], signalled: 0.5, bursts: [[1, 2.2, 3]] },
  { name: 'capture time that steps back widens the burst', times: [5, 4, 5.5], bursts: [[4, 5.5, 3]] },
]) {
  test(name, () => {
    const activity = new Activity();
    for (const at of times) activity.push(at * 1e6, signalled < at ? signalled * 1e6 : NEVER);
    expect(seconds(activity)).toEqual(bursts);
  });
}

test('a new beginning divides a burst without silence', () => {
  const activity = new Activity();
  for (let at = 0; at < 10; at++) activity.push(at * 1e5, NEVER);
  activity.restart(7e5, 3);
  activity.push(1e6, NEVER);
  expect(activity.bursts).toEqual([
    { firstUs: 0, lastUs: 699_999, packets: 7, restarts: false },
    { firstUs: 700_000, lastUs: 1_000_000, packets: 4, restarts: true },
  ]);
});

test('a new beginning after a silence is that of its burst', () => {
  const activity = new Activity();
  activity.push(0, NEVER);
  activity.push(10e6, NEVER);
  activity.restart(10e6, 1);
  expect(activity.bursts.map(({ restarts }) => restarts)).toEqual([false, true]);
});

test('only the longest silences, and new beginnings, are remembered', () => {
  const activity = new Activity();
  let at = 0;
  for (let index = 0; index < 1000; index++) {
    at += index === 500 ? 60e6 : 3e6 + index;
    activity.push(at, NEVER);
    if (index === 100) activity.restart(at, 1);
  }
  expect(activity.bursts.length).toBeLessThanOrEqual(64);
  expect(activity.bursts.reduce((sum, { packets }) => sum + packets, 0)).toBe(1000);
  expect(activity.bursts.filter(({ restarts }) => restarts)).toHaveLength(1);
  const gaps = activity.bursts.slice(1).map(({ firstUs }, index) => firstUs - activity.bursts[index].lastUs);
  expect(Math.max(...gaps)).toBe(60e6);
});
