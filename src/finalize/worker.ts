/** A finalizer in a thread of its own, so that encoding never holds up the thread that takes in media: jobs first, then what it follows. */
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../core/clock.ts';
import { asAppError } from '../core/errors.ts';
import { Finalization } from './finalization.ts';
import type { FinalizeJob } from './finalize-job.ts';
import { finalizeRecording } from './finalize-recording.ts';
import { Followers } from './followers.ts';
import type { FromWorker, ToWorker } from './job-messages.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs in a worker thread only');

const say = (message: FromWorker): void => port.postMessage(message);

const followers = new Followers({
  clock: systemClock,
  make: (job) => new Finalization(job),
  onLeft: (journalPath, why, error) =>
    say({ kind: 'left', journalPath, why, ...(error === undefined ? {} : { error }) }),
  onAbreast: (behindMs) => say({ kind: 'abreast', behindMs }),
});

const run = async (number: number, job: FinalizeJob): Promise<void> => {
  followers.hold();
  try {
    const onProgress = (share: number): void => say({ kind: 'progress', number, share });
    const followed = await followers.take(job.journalPath);
    const result = await (followed?.finish(job, onProgress) ?? finalizeRecording(job, onProgress));
    say({ kind: 'done', number, result });
  } catch (error) {
    const { code, message } = asAppError(error);
    say({ kind: 'failed', number, code, message });
  } finally {
    followers.release();
  }
};

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'run':
      void run(message.number, message.job);
      break;
    case 'follow':
      followers.follow(message.job);
      break;
    case 'unfollow':
      void followers.unfollow(message.journalPath);
      break;
    default:
      message satisfies never;
  }
});
