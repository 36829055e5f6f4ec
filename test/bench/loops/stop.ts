/** From the hang-up to the artefact's being there: what still waits is judged, the journal made durable, then finalized by a worker thread. */
import { randomBytes } from 'node:crypto';
import { USUAL_SOUND } from '../trial.ts';
import { built } from './built.ts';
import { liveJournal } from './live-journal.ts';
import type { Loop } from './loop.ts';
import { Stopwatch } from './stopwatch.ts';

export const loop: Loop = async ({ call, options, folder }) => {
  const { FinalizePool } = await built('finalize/pool');
  const { newSealKey } = await built('spool/seal/seal-key');
  const { format = 'wav' } = options;
  const artefactKey = newSealKey(randomBytes);
  const pool = new FinalizePool(1);
  const stopped = async (seconds: number, watch: Stopwatch): Promise<void> => {
    const journal = await liveJournal({ seconds, sound: USUAL_SOUND, format }, folder);
    watch.start();
    await journal.call.end();
    await journal.closed;
    const { journalPath, journalKey } = journal;
    const mediaName = `bench-${seconds}.${format}`;
    const job = { journalPath, journalKey, artefactKey, directory: folder, mediaName, encoder: 'auto' } as const;
    const result = await pool.run(job);
    watch.stop();
    if (result.state !== 'stored' || Math.abs(result.manifest.artefact.duration_ms / 1000 - seconds) > 1)
      throw new Error('the artefact is not as long as the call');
  };
  // A service's worker has finished other calls before.
  await stopped(2, new Stopwatch());
  const watch = new Stopwatch();
  await stopped(call.seconds, watch);
  await pool.close();
  return { stop: watch.sample(call.seconds) };
};
