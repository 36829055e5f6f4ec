/** The worker that runs `media-thread.ts`, and what becomes of it. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { builtUrl } from '../../core/built-url.ts';
import { AppError } from '../../core/errors.ts';
import type { MediaOptions, MediaThreadData } from './media-options.ts';

const THREAD_URL = builtUrl('app/media/media-thread.js');

/** A thread that media is taken in on; in a test it may be this one. */
export type MediaThread = {
  /** To and from it. */
  readonly port: MessagePort;
  /** Resolves when it has ended by itself, with why. */
  readonly lost: Promise<AppError>;
  /** Ends it at once. Idempotent. */
  end(): Promise<void>;
};

export const startMediaThread = (options: MediaOptions): MediaThread => {
  const { port1: port, port2: theirs } = new MessageChannel();
  const workerData: MediaThreadData = { options, port: theirs };
  // Options of this process that a thread could take over are for its owner's debugger, and there is to be none (`memory-hygiene.ts`).
  const worker = new Worker(THREAD_URL, { workerData, transferList: [theirs], execArgv: [], name: 'media' });
  let isWanted = true;
  const lost = new Promise<AppError>((resolve) => {
    const lose = (why: string, cause?: unknown): void => {
      if (isWanted) resolve(new AppError('INTERNAL', `the thread that takes in media has ended: ${why}`, { cause }));
    };
    worker.on('error', (error) => lose(error.message, error));
    worker.on('exit', (code) => lose(`exit code ${code}`));
  });
  return {
    port,
    lost,
    end: async () => {
      isWanted = false;
      port.close();
      await worker.terminate();
    },
  };
};
