/**
 * One clock for two threads: each has a wall clock of its own that it read when it began, and what one says of a time the other must
 * understand to the microsecond, also when the machine's clock was set in between.
 */
import { type Clock, systemClock } from '../../core/clock.ts';

/** The quickest counts: in the middle of a reading a thread may be kept waiting, and what is said behind an unmask would lie before it. */
const READINGS = 8;

/** Where a thread's clock stands against the one that all threads of the machine have, µs. */
export const anchorOf = (clock: Pick<Clock, 'now'>): number => {
  let leastUs = Number.POSITIVE_INFINITY;
  let aheadUs = 0;
  for (let reading = 0; reading < READINGS; reading++) {
    const beforeUs = steadyUs();
    const nowUs = clock.now();
    const tookUs = steadyUs() - beforeUs;
    if (tookUs >= leastUs) continue;
    leastUs = tookUs;
    aheadUs = nowUs - beforeUs - tookUs / 2;
  }
  return aheadUs;
};

/** The clock that the anchor is of, in another thread; sleeps as the system does. */
export const clockAt = (anchorUs: number): Clock => {
  // Once: to ask the common clock each time would cost more than all else that is done with a packet's time.
  const aheadUs = anchorUs - anchorOf(systemClock);
  return { now: () => systemClock.now() + aheadUs, sleep: systemClock.sleep };
};

/** CLOCK_MONOTONIC, whatever the thread. */
const steadyUs = (): number => Number(process.hrtime.bigint()) / 1000;
