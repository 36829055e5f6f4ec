/**
 * From the hang-up to the artefact's being there: what still waits is judged, the journal made durable, then finalized by a worker thread, which
 * has followed the journal while the call ran, or sees it for the first time.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FinalizePool } from '../../../src/finalize/pool.ts';
import { USUAL_SOUND } from '../trial.ts';
import { built } from './built.ts';
import { liveJournal } from './live-journal.ts';
import type { Loop } from './loop.ts';
import { Stopwatch } from './stopwatch.ts';

/** A follower that has nothing to do any more takes less of a core than this; it looks every 2 s. */
const IDLE_SHARE = 0.05;
const LOOK_MS = 500;
const QUIET_LOOKS = 5;

export const loop: Loop = async ({ call, options, folder }) => {
  const { FinalizePool } = await built('finalize/pool');
  const { newSealKey } = await built('spool/seal/seal-key');
  const { format = 'wav', followed = false } = options;
  const pool = new FinalizePool(1);
  const stopped = async (seconds: number, watch: Stopwatch): Promise<void> => {
    const kept = { artefactKey: newSealKey(randomBytes), directory: folder, encoder: 'auto' } as const;
    const follow = async (journal: { readonly journalPath: string }): Promise<void> => {
      pool.follow({ ...kept, ...journal });
      await untilIdle();
      checkFollowed(pool);
    };
    const plan = { seconds, sound: USUAL_SOUND, format, ...(followed ? { beforeLast: follow } : {}) };
    const journal = await liveJournal(plan, folder);
    watch.start();
    await journal.call.end();
    await journal.closed;
    const { journalPath, journalKey } = journal;
    const result = await pool.run({ ...kept, journalPath, journalKey, mediaName: `bench-${seconds}.${format}` });
    watch.stop();
    if (result.state !== 'stored' || Math.abs(result.manifest.artefact.duration_ms / 1000 - seconds) > 1)
      throw new Error('the artefact is not as long as the call');
  };
  // A service's worker has finished other calls before.
  await stopped(WARM_SECONDS, new Stopwatch());
  const watch = new Stopwatch();
  await stopped(call.seconds, watch);
  await pool.close();
  return { stop: watch.sample(call.seconds) };
};

/** Longer than what a follower keeps back. */
const WARM_SECONDS = 40;

/** Nothing else runs in this process. */
const untilIdle = async (): Promise<void> => {
  for (let quiet = 0; quiet < QUIET_LOOKS; ) {
    const before = process.cpuUsage();
    const startedAt = performance.now();
    await sleep(LOOK_MS);
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / (performance.now() - startedAt);
    quiet = share < IDLE_SHARE ? quiet + 1 : 0;
  }
};

const checkFollowed = ({ following: { recordings, givenUp } }: FinalizePool): void => {
  if (recordings !== 1 || givenUp > 0) throw new Error('the journal was not followed to the hang-up');
};
