/** What is too slow for the thread that takes in media, and what it and its worker tell each other. */
import type { ErrorCode } from '../../core/errors.ts';
import { measurePeaks, writePeaks } from './peaks.ts';
import { replayUpload, type UploadOutcome, type UploadReplay } from './upload-replay.ts';

export type PeaksJob = { readonly artefact: string; readonly id: string; readonly samples: number };

export type BackgroundJob = ({ readonly kind: 'peaks' } & PeaksJob) | ({ readonly kind: 'replay' } & UploadReplay);

/** Of a replay; of peaks nothing but their file. */
export type BackgroundResult = UploadOutcome;

export type FromBackground =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'done'; readonly result: BackgroundResult }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** Does a job where it is called. @throws what the job throws */
export const doJob = async (job: BackgroundJob, onProgress: (share: number) => void): Promise<BackgroundResult> => {
  switch (job.kind) {
    case 'peaks':
      await writePeaks(job.artefact, job.id, await measurePeaks(job.artefact, job.samples, onProgress));
      return { recordings: [], warnings: [] };
    case 'replay':
      return replayUpload(job, onProgress);
    default:
      return job satisfies never;
  }
};
