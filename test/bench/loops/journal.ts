/** A capture to a journal, by the steps of a replay; each may be timed. */
import { join } from 'node:path';
import type { RecordCallFields } from '../../../src/core/record-call.ts';
import { built } from './built.ts';
import { Stopwatch } from './stopwatch.ts';

export type RecordedJournal = { readonly path: string; readonly surveying: Stopwatch; readonly feeding: Stopwatch };

/** @throws when the capture does not become exactly one recording. */
export const recordJournal = async (
  capture: string,
  folder: string,
  fields: RecordCallFields,
): Promise<RecordedJournal> => {
  const { planCapture } = await built('ingest/survey/plan-capture');
  const { CaptureFeed } = await built('app/capture-feed');
  const { LiveCall } = await built('app/live-call');
  const { systemClock } = await built('core/clock');
  const [surveying, feeding] = [new Stopwatch(), new Stopwatch()];
  const paths: string[] = [];

  surveying.start();
  const plan = await planCapture(capture);
  surveying.stop();

  feeding.start();
  const feed = new CaptureFeed({
    path: capture,
    plan,
    begin: (planned, startUs) =>
      new LiveCall(planned, startUs, {
        journals: folder,
        metaflows: undefined,
        fields,
        masks: [],
        redactTones: false,
        onUnwatched: () => {},
        onClosed: (recorder, failure) => {
          if (failure !== undefined) throw failure;
          paths.push(join(folder, `${recorder.head.id}.journal`));
        },
        onFailure: (error) => {
          throw error;
        },
        onNotRun: () => {},
      }),
    clock: systemClock,
    speed: Number.POSITIVE_INFINITY,
  });
  await feed.run(() => {});
  feeding.stop();

  const [path, ...others] = paths;
  if (path === undefined || others.length > 0)
    throw new Error(`the capture became ${paths.length} recordings, not one`);
  return { path, surveying, feeding };
};
