import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_RETRY_PLAN, nextDelayMs, parseRetryAfter } from '../../src/deliver/retry-schedule.ts';

const plan = { ...DEFAULT_RETRY_PLAN, maxTries: 100 };
const most = () => 0.999_999_9;
const least = () => 0;

describe('waits double from one second to ten minutes', () => {
  for (const { tries, from, to } of [
    { tries: 1, from: 500, to: 1000 },
    { tries: 2, from: 1000, to: 2000 },
    { tries: 3, from: 2000, to: 4000 },
    { tries: 10, from: 256_000, to: 512_000 },
    { tries: 11, from: 300_000, to: 600_000 },
    { tries: 12, from: 300_000, to: 600_000 },
    { tries: 99, from: 300_000, to: 600_000 },
  ]) {
    test(`after try ${tries}: ${from} to ${to} ms`, () => {
      expect(nextDelayMs({ tries, elapsedMs: 0 }, least, plan)).toBe(from);
      expect(nextDelayMs({ tries, elapsedMs: 0 }, most, plan)).toBe(to);
    });
  }

  test('a thousand tries do not overflow', () => {
    expect(nextDelayMs({ tries: 5000, elapsedMs: 0 }, most, { ...plan, maxTries: Infinity })).toBe(600_000);
  });

  test('full jitter reaches down to nothing', () => {
    expect(nextDelayMs({ tries: 3, elapsedMs: 0 }, least, { ...plan, jitter: 'full' })).toBe(0);
    expect(nextDelayMs({ tries: 3, elapsedMs: 0 }, () => 0.25, { ...plan, jitter: 'full' })).toBe(1000);
  });
});

describe('it gives up', () => {
  for (const { name, failed, with: changed, want } of [
    { name: 'after the last try', failed: { tries: 5, elapsedMs: 0 }, with: { maxTries: 5 }, want: undefined },
    { name: 'not before it', failed: { tries: 4, elapsedMs: 0 }, with: { maxTries: 5 }, want: 8000 },
    { name: 'at once when one try is all', failed: { tries: 1, elapsedMs: 0 }, with: { maxTries: 1 }, want: undefined },
    {
      name: 'when the retry would miss the deadline',
      failed: { tries: 1, elapsedMs: 9001 },
      with: { deadlineMs: 10_000 },
      want: undefined,
    },
    {
      name: 'not when it just makes it',
      failed: { tries: 1, elapsedMs: 9000 },
      with: { deadlineMs: 10_000 },
      want: 1000,
    },
    {
      name: 'when Retry-After lies past the deadline',
      failed: { tries: 1, elapsedMs: 0, retryAfterMs: 60_000 },
      with: { deadlineMs: 10_000 },
      want: undefined,
    },
  ]) {
    test(name, () => expect(nextDelayMs(failed, most, { ...plan, ...changed })).toBe(want));
  }
});

describe('Retry-After is honoured', () => {
  for (const { name, retryAfterMs, want } of [
    { name: 'longer than our own wait', retryAfterMs: 30_000, want: 30_000 },
    { name: 'shorter than our own wait', retryAfterMs: 100, want: 1000 },
    { name: 'nothing', retryAfterMs: 0, want: 1000 },
    { name: 'absurdly long', retryAfterMs: 1e15, want: 600_000 },
    { name: 'endless', retryAfterMs: Infinity, want: 600_000 },
  ]) {
    test(name, () => expect(nextDelayMs({ tries: 1, elapsedMs: 0, retryAfterMs }, most, plan)).toBe(want));
  }
});

describe('Retry-After is read as seconds or as a date', () => {
  const now = Date.UTC(2026, 10, 22, 12, 0, 0);
  for (const { value, want } of [
    { value: '0', want: 0 },
    { value: '120', want: 120_000 },
    { value: ' 5 ', want: 5000 },
    { value: '99999999999999999999', want: 1e23 },
    { value: 'Sun, 22 Nov 2026 12:01:30 GMT', want: 90_000 },
    { value: 'Sun, 22 Nov 2026 11:00:00 GMT', want: 0 },
    { value: '-1', want: undefined },
    { value: '1.5', want: undefined },
    { value: '1e3', want: undefined },
    { value: '', want: undefined },
    { value: 'soon', want: undefined },
    { value: '2026-11-22T12:01:30Z', want: undefined },
    { value: 'Sun, 99 Nov 2026 12:01:30 GMT', want: undefined },
    { value: 'Xxx, 22 Xxx 2026 12:01:30 GMT', want: undefined },
  ]) {
    test(JSON.stringify(value), () => expect(parseRetryAfter(value, now)).toBe(want));
  }

  test('no text makes it throw or answer something negative', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseRetryAfter(text, now);
        expect(ms === undefined || ms >= 0).toBe(true);
      }),
    );
  });
});
