/** A replay to wav, stage by stage, in this thread: how long each takes, and how much memory all of them need. Once, cold, as a replay is. */
import type { RecordCallFields } from '../../../src/core/record-call.ts';
import { built } from './built.ts';
import { recordJournal } from './journal.ts';
import type { Loop } from './loop.ts';
import { Stopwatch } from './stopwatch.ts';

export const loop: Loop = async ({ call, folder }) => {
  const { finalizeRecording } = await built('finalize/finalize-recording');
  // Longer than a user may ask for: what is measured is the length of the call.
  const fields: RecordCallFields = { format: 'wav', time_limit: Math.ceil(call.seconds) + 60 };
  const { path, surveying, feeding } = await recordJournal(call.capture, folder, fields);
  const finalizing = new Stopwatch();
  finalizing.start();
  const result = await finalizeRecording({
    journalPath: path,
    directory: folder,
    mediaName: 'bench.wav',
    encoder: 'auto',
  });
  finalizing.stop();
  if (
    result.state !== 'stored' ||
    Math.abs(result.manifest.artefact.duration_ms / 1000 - call.seconds) > 1 + call.seconds / 1e4
  ) {
    throw new Error('the artefact is not as long as the call');
  }
  return {
    survey: surveying.sample(call.seconds),
    feed: feeding.sample(call.seconds),
    finalize: finalizing.sample(call.seconds),
  };
};
