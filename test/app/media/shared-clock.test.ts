import { expect, test } from 'vitest';
import { anchorOf, clockAt } from '../../../src/app/media/shared-clock.ts';
import { systemClock } from '../../../src/core/clock.ts';

for (const { name, aheadUs } of [
  { name: 'the same', aheadUs: 0 },
  { name: 'set five minutes ahead since it began', aheadUs: 300e6 },
  { name: 'set back by an hour', aheadUs: -3600e6 },
])
  test(`two threads have one clock where the machine's is ${name}`, () => {
    const theirs = { now: () => systemClock.now() + aheadUs, sleep: systemClock.sleep };
    const ours = clockAt(anchorOf(theirs));
    const before = theirs.now();
    const now = ours.now();
    // To the time that two readings take.
    expect(now).toBeGreaterThan(before - 1000);
    expect(now).toBeLessThan(theirs.now() + 1000);
  });

test('a thread that is kept waiting in the middle of a reading has the same clock all the same', () => {
  let waits = 2;
  const theirs = () => {
    const now = systemClock.now();
    if (waits-- > 0) while (systemClock.now() < now + 30_000);
    return now;
  };
  const ours = clockAt(anchorOf({ now: theirs }));
  expect(Math.abs(ours.now() - systemClock.now())).toBeLessThan(1000);
});
