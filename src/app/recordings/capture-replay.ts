/**
 * An uploaded capture on its way through the pipeline that live media takes: two passes as in `app/replay.ts`, every call recorded
 * once, from its first frame to its last, the account's codes obeyed where they mask, journals and nothing else as the result. Runs off
 * the main thread.
 */
import type { MetaflowsDocument } from '../../control/metaflow-document.ts';
import type { ByteSource } from '../../core/byte-source.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { RecordCallFields } from '../../core/record-call.ts';
import { whyNothing } from '../../ingest/plan.ts';
import { planCapture } from '../../ingest/survey/plan-capture.ts';
import type { OpenJournal } from '../../spool/journal.ts';
import { CaptureFeed } from '../capture-feed.ts';
import { LiveCall } from '../live-call.ts';
import { heldBy } from '../metaflow-holders.ts';

export type CaptureReplay = {
  readonly path: string;
  /** Gives the file's bytes where it doesn't lie there as it is. */
  readonly source?: ByteSource | undefined;
  /** Folder of the journals. */
  readonly journals: string;
  /** Default: plain files. */
  readonly openJournal?: OpenJournal;
  readonly fields: RecordCallFields;
  /** Both parties hold them, as an account's. */
  readonly metaflows: MetaflowsDocument | undefined;
  readonly redactTones: boolean;
  readonly clock: Clock;
  readonly onProgress: (share: number) => void;
  readonly onWarning: (sentence: string) => void;
};

/** @returns the recordings' ids, in the order they began. @throws CAPTURE_UNREADABLE, CAPTURE_EMPTY, NOTHING_TO_RECORD, JOURNAL_UNWRITABLE */
export const replayCapture = async (job: CaptureReplay): Promise<string[]> => {
  const { path, source, clock, onProgress, onWarning } = job;
  const plan = await planCapture(path, { source, onProgress: (bytes, total) => onProgress(bytes / total / 2) });
  for (const warning of plan.warnings) onWarning(warning);
  if (plan.calls.length === 0) throw new AppError('NOTHING_TO_RECORD', `nothing to record: ${whyNothing(plan)}`);

  const recorded: { id: string; startUs: number }[] = [];
  let failure: AppError | undefined;
  const begin: ConstructorParameters<typeof CaptureFeed>[0]['begin'] = (planned, startUs) => {
    const live = new LiveCall(planned, startUs, {
      journals: job.journals,
      ...(job.openJournal === undefined ? {} : { openJournal: job.openJournal }),
      metaflows: heldBy(job.metaflows),
      // Whoever uploads a call wants all of it, once, whatever was typed in it; what was typed still masks.
      obeys: (action) => action === 'mask' || action === 'unmask',
      fields: job.fields,
      masks: [],
      redactTones: job.redactTones,
      onUnwatched: (codec) => onWarning(`audible keys can't be found in ${codec}`),
      onClosed: ({ head }, why) => {
        recorded.push({ id: head.id, startUs: head.startUs });
        failure ??= why;
      },
      onFailure: (error) => onWarning(error.message),
      onNotRun: (module) => onWarning(`a code asked for the metaflow module ${module}, which a recorder does not run`),
    });
    if (job.metaflows !== undefined) live.call.recordFromFirstFrame(job.fields, 'replay');
    return live;
  };
  const feed = new CaptureFeed({ path, source, plan, begin, clock, speed: Number.POSITIVE_INFINITY });
  try {
    await feed.run((bytes, total) => onProgress(0.5 + bytes / total / 2));
  } catch (error) {
    await feed.abort();
    throw error;
  }
  for (const warning of feed.warnings) onWarning(warning);
  // Half a call that was cut short by a failing disk is no result: the upload is still there.
  if (failure !== undefined) throw failure;
  if (recorded.length === 0)
    throw new AppError('NOTHING_TO_RECORD', 'nothing to record: no call in it was answered or bridged');
  return recorded.sort((one, other) => one.startUs - other.startUs).map(({ id }) => id);
};
