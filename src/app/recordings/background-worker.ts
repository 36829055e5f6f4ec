/** A thread for one slow job: does what it was started for, says so, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { asAppError } from '../../core/errors.ts';
import { type BackgroundJob, doJob, type FromBackground } from './background-job.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs in a worker thread only');

/** A percent at a time: nobody sees more. */
const STEPS = 100;

const say = (message: FromBackground): void => port.postMessage(message);

let told = 0;
const onProgress = (share: number): void => {
  const step = Math.floor(share * STEPS);
  if (step === told) return;
  told = step;
  say({ kind: 'progress', share });
};

doJob(workerData as BackgroundJob, onProgress).then(
  (result) => say({ kind: 'done', result }),
  (error) => {
    const { code, message } = asAppError(error);
    say({ kind: 'failed', code, message });
  },
);
