/** A sealed journal to a finished, sealed file in this thread, as a finalizing worker does it that has finished a few before. */
import { randomBytes } from 'node:crypto';
import { soundSeconds, USUAL_SOUND } from '../trial.ts';
import { built } from './built.ts';
import { liveJournal } from './live-journal.ts';
import type { Loop } from './loop.ts';
import { Stopwatch } from './stopwatch.ts';

/** What compiles. */
const WARM = { calls: 3, seconds: 60 };

export const loop: Loop = async ({ call, options, folder }) => {
  const { finalizeRecording } = await built('finalize/finalize-recording');
  const { newSealKey } = await built('spool/seal/seal-key');
  const { sound = USUAL_SOUND, format = 'wav', encoder = 'auto' } = options;
  const artefactKey = newSealKey(randomBytes);
  const finalized = async (seconds: number, watch: Stopwatch): Promise<void> => {
    const { call, closed, journalPath, journalKey } = await liveJournal({ seconds, sound, format }, folder);
    await call.end();
    await closed;
    watch.start();
    const result = await finalizeRecording({
      ...{ journalPath, journalKey, artefactKey, directory: folder, mediaName: `bench-${seconds}.${format}` },
      encoder: encoder === 'wav' ? 'auto' : encoder,
    });
    watch.stop();
    if (result.state !== 'stored') throw new Error(`the recording is ${result.state}`);
    const { duration_ms, sample_rate, channels } = result.manifest.artefact;
    if (Math.abs(duration_ms / 1000 - seconds) > 1 || sample_rate !== sound.rate || channels !== sound.channels)
      throw new Error(`it made ${duration_ms} ms of ${sample_rate} Hz, ${channels} channels`);
  };
  for (let call = 0; call < WARM.calls; call++) await finalized(WARM.seconds, new Stopwatch());
  const watch = new Stopwatch();
  const seconds = soundSeconds(call, sound);
  await finalized(seconds, watch);
  return { finalize: watch.sample(seconds) };
};
