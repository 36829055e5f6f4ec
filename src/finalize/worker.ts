/** A finalizer in a thread of its own: one job at a time, so that encoding never holds up the thread that takes in media. */
import { parentPort } from 'node:worker_threads';
import { asAppError } from '../core/errors.ts';
import { finalizeRecording } from './finalize-recording.ts';
import type { FromWorker, ToWorker } from './job-messages.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs in a worker thread only');

const say = (message: FromWorker): void => port.postMessage(message);

port.on('message', ({ job }: ToWorker) => {
  finalizeRecording(job, (share) => say({ kind: 'progress', share })).then(
    (result) => say({ kind: 'done', result }),
    (error) => {
      const { code, message } = asAppError(error);
      say({ kind: 'failed', code, message });
    },
  );
});
