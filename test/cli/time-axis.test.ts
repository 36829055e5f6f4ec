import { expect, test } from 'vitest';
import { axisOf, formatTime } from '../../src/cli/time-axis.ts';

const GLYPHS = { axis: '-', tick: '+' };

test.each([
  [0, 60_000, 1000, '00:00'],
  [59_999, 60_000, 1000, '01:00'],
  [59_949, 60_000, 100, '00:59.9'],
  [59_951, 60_000, 100, '01:00.0'],
  [1_230, 5000, 10, '00:01.23'],
  [3_599_000, 3_599_999, 1000, '59:59'],
  [0, 3_600_000, 1000, '0:00:00'],
  [45_296_000, 50_000_000, 1000, '12:34:56'],
])('%i ms of %i in steps of %i reads %s', (ms, wholeMs, stepMs, text) => {
  expect(formatTime(ms, wholeMs, stepMs)).toBe(text);
});

test.each([
  { name: 'half a second', durationMs: 500, columns: 50, labels: '00:00.0   00:00.1   00:00.2   00:00.3   00:00.4' },
  {
    name: 'a minute',
    durationMs: 60_000,
    columns: 60,
    labels: '00:00     00:10     00:20     00:30     00:40     00:50',
  },
  { name: 'twelve hours', durationMs: 43_200_000, columns: 48, labels: '0:00:00     3:00:00     6:00:00     9:00:00' },
  {
    name: 'a last tick without the room',
    durationMs: 62_000,
    columns: 62,
    labels: '00:00     00:10     00:20     00:30     00:40     00:50',
  },
])('labels stand under even ticks: $name', ({ durationMs, columns, labels }) => {
  const [axis, below] = axisOf(durationMs, columns, GLYPHS);
  expect(below).toBe(labels);
  expect(axis).toHaveLength(columns);
  for (const { index } of labels.matchAll(/\S+/g)) expect(axis![index]).toBe('+');
});

test('whatever the length, two labels never touch and none leaves the axis', () => {
  for (const durationMs of [1, 7, 99, 1234, 59_999, 3_599_999, 3_600_000, 10_800_000, 86_400_000]) {
    for (let columns = 10; columns <= 200; columns += 7) {
      const [axis, labels] = axisOf(durationMs, columns, GLYPHS);
      expect(axis).toHaveLength(columns);
      expect(labels!.length).toBeLessThanOrEqual(columns);
      expect(labels).toMatch(/^\d[\d:.]*( {2,}\d[\d:.]*)*$/);
    }
  }
});
