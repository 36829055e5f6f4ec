/**
 * One clock for two threads: each has a wall clock of its own that it read when it began, and what one says of a time the other must
 * understand to the microsecond, also when the machine's clock was set in between.
 */
import { type Clock, systemClock } from '../../core/clock.ts';

/** Where a thread's clock stands against the one that all threads of the machine have, µs. */
export const anchorOf = (clock: Clock): number => clock.now() - steadyUs();

/** The clock that the anchor is of, in another thread; sleeps as the system does. */
export const clockAt = (anchorUs: number): Clock => {
  // Once: to ask the common clock each time would cost more than all else that is done with a packet's time.
  const aheadUs = anchorUs + steadyUs() - systemClock.now();
  return { now: () => systemClock.now() + aheadUs, sleep: systemClock.sleep };
};

/** CLOCK_MONOTONIC, whatever the thread. */
const steadyUs = (): number => Number(process.hrtime.bigint()) / 1000;
