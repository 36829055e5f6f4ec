/** What is too slow for the thread that takes in media, and what it and its worker tell each other. */
import type { ErrorCode } from '../../core/errors.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import { measurePeaks, writePeaks } from './peaks.ts';
import { storedFile } from './stored-file.ts';
import { replayUpload, type UploadOutcome, type UploadReplay } from './upload-replay.ts';

export type PeaksJob = {
  /** Its path. */
  readonly artefact: string;
  /** What it and its peaks are sealed under, if they are. */
  readonly key?: SealKey;
  readonly id: string;
  readonly samples: number;
};

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
      await measure(job, onProgress);
      return { recordings: [], warnings: [] };
    case 'replay':
      return replayUpload(job, onProgress);
    default:
      return job satisfies never;
  }
};

const measure = async (
  { artefact, key, id, samples }: PeaksJob,
  onProgress: (share: number) => void,
): Promise<void> => {
  const source = storedFile(artefact, key, 'artefact');
  await writePeaks(artefact, id, await measurePeaks(source, samples, onProgress), key);
};
