/** The finalizer without its encoder: both passes over a journal, PCM of both legs on one clock, thrown away. */
import { built } from './built.ts';
import { recordJournal } from './journal.ts';
import type { Loop } from './loop.ts';
import { repeated } from './stopwatch.ts';

export const loop: Loop = async ({ call, folder, leastSeconds }) => {
  const { surveyJournal } = await built('finalize/survey');
  const { makeDecoders } = await built('finalize/decoders');
  const { artefactRate, assemble } = await built('finalize/assemble');
  const journal = await recordJournal(call.capture, folder, { format: 'wav' });

  const survey = await repeated(leastSeconds, () => {
    surveyJournal(journal);
    return call.seconds;
  });

  const surveyed = surveyJournal(journal);
  const sampleRate = artefactRate(surveyed);
  const totalSamples = Math.round(((surveyed.endUs - surveyed.startUs) * sampleRate) / 1e6);
  const decoders = await makeDecoders(journal, surveyed, folder);
  const placed = await repeated(leastSeconds, () => {
    let samples = 0;
    const options = { sampleRate, totalSamples, decoders: decoders.byTrack, gaps: { list: [], omitted: 0 } };
    for (const block of assemble(journal, surveyed, options)) samples += block.count;
    return samples / sampleRate;
  });
  await decoders.close();
  return { survey, assemble: placed };
};
