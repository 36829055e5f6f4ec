/**
 * From a closed or torn journal to an artefact and its manifest, each under its final name or not there at all: for recordings that
 * nobody followed while they were made. Whoever asked for this removes the journal afterwards. Runs in a worker.
 */
import { Finalization } from './finalization.ts';
import type { FinalizeJob, FinalizeResult } from './finalize-job.ts';

export type { FinalizeJob, FinalizeResult } from './finalize-job.ts';

/** @param onProgress told the share done, 0 to 1. @throws AppError JOURNAL_UNREADABLE, CODEC_UNSUPPORTED, OUTPUT_UNWRITABLE, … */
export const finalizeRecording = (
  job: FinalizeJob,
  onProgress?: (share: number) => void,
  signal?: AbortSignal,
): Promise<FinalizeResult> => new Finalization(job).finish(job, onProgress, signal);
