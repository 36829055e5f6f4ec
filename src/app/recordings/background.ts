/** Slow jobs, each in a thread of its own that ends with it; how many at once is for those who start them to decide. */
import { Worker } from 'node:worker_threads';
import { builtUrl } from '../../core/built-url.ts';
import { AppError } from '../../core/errors.ts';
import type { BackgroundJob, BackgroundResult, FromBackground } from './background-job.ts';

const WORKER_URL = builtUrl('app/recordings/background-worker.js');

/** A file made to use up memory ends its own thread, not the service. */
const MOST_MEBIBYTES = 1024;

/** @throws what the job met; INTERNAL when its thread died; the signal's reason */
export type RunInBackground = (
  job: BackgroundJob,
  options: { readonly onProgress: (share: number) => void; readonly signal: AbortSignal },
) => Promise<BackgroundResult>;

export const runInThread =
  (url: URL = WORKER_URL): RunInBackground =>
  (job, { onProgress, signal }) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const worker = new Worker(url, { workerData: job, resourceLimits: { maxOldGenerationSizeMb: MOST_MEBIBYTES } });
      const abort = (): void => {
        // Not before its thread has ended: its files are somebody else's then.
        void worker.terminate().then(() => reject(signal.reason));
      };
      signal.addEventListener('abort', abort, { once: true });
      const lost = (why: string): void => reject(new AppError('INTERNAL', `the job's thread ended: ${why}`));
      worker.on('message', (message: FromBackground) => {
        switch (message.kind) {
          case 'progress':
            onProgress(message.share);
            return;
          case 'done':
            resolve(message.result);
            return;
          case 'failed':
            reject(new AppError(message.code, message.message));
            return;
          default:
            message satisfies never;
        }
      });
      worker.on('error', (error) => lost(error.message));
      worker.on('exit', (code) => {
        signal.removeEventListener('abort', abort);
        if (!signal.aborted) lost(`exit ${code}`);
      });
    });
