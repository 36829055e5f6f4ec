/** The finalizer without its encoder: a survey of a journal, and the journal read ahead and behind, PCM of both legs on one clock, thrown away. */
import { built } from './built.ts';
import { recordJournal } from './journal.ts';
import type { Loop } from './loop.ts';
import { repeated } from './stopwatch.ts';

export const loop: Loop = async ({ call, folder, leastSeconds }) => {
  const { surveyJournal } = await built('finalize/survey');
  const { Decoders } = await built('finalize/decoders');
  const { assemble } = await built('finalize/assemble');
  const { Lockstep } = await built('finalize/lockstep');
  const { JournalSource } = await built('spool/journal-source');
  const { JournalCursor } = await built('spool/journal-cursor');
  const journal = await recordJournal(call.capture, folder, { format: 'wav' });

  const survey = await repeated(leastSeconds, () => {
    surveyJournal(journal);
    return call.seconds;
  });

  const placed = await repeated(leastSeconds, async () => {
    const source = JournalSource.open(journal)!;
    const ahead = new JournalCursor(source);
    const lockstep = new Lockstep(ahead, new JournalCursor(source), Number.POSITIVE_INFINITY);
    lockstep.close(() => ({ bytes: ahead.bytes, torn: ahead.hasMore }));
    const decoders = new Decoders(journal, folder);
    let samples = 0;
    for (const step of assemble(lockstep, decoders.byTrack, { list: [], omitted: 0 })) {
      if (step.kind === 'block') samples += step.block.count;
      else if (step.kind === 'track') await decoders.add(step.track, lockstep.result);
    }
    decoders.close();
    source.close();
    return samples / lockstep.beginning!.sampleRate;
  });
  return { survey, assemble: placed };
};
