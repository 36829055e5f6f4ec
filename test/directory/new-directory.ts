/** A directory on a store in memory, with a clock that is set by hand and bytes that count. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/core/clock.ts';
import type { RandomBytes } from '../../src/core/ids.ts';
import { Directory, type DirectoryOptions } from '../../src/directory/directory.ts';
import type { Store } from '../../src/store/store.ts';
import { NOON_US, openStore } from '../store/sample-rows.ts';

export type HandClock = Clock & { us: number };

export const handClock = (us: number = NOON_US): HandClock => ({
  us,
  now() {
    return this.us;
  },
  sleep: () => Promise.reject(new Error('nothing here sleeps')),
});

/** Never the same twice, and the same in each run. */
export const countingBytes = (): RandomBytes => {
  let count = 0;
  return (bytes) => createHash('sha256').update(`${count++}`).digest().subarray(0, bytes);
};

export const newDirectory = async (
  rules: Omit<Partial<DirectoryOptions>, 'clock' | 'random'> = {},
): Promise<{ directory: Directory; store: Store; clock: HandClock }> => {
  const [store, clock] = [await openStore(), handClock()];
  return { directory: new Directory(store, { clock, random: countingBytes(), ...rules }), store, clock };
};
