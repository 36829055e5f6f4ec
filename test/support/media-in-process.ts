/** The media thread's work in the test's own thread, over a port all the same: for what can only be put in its way there. */
import { MessageChannel } from 'node:worker_threads';
import { carried } from '../../src/app/media/carried-error.ts';
import { openMedia } from '../../src/app/media/media.ts';
import type { MediaOptions } from '../../src/app/media/media-options.ts';
import type { MediaThread } from '../../src/app/media/media-worker.ts';
import type { MediaCommands, MediaReports } from '../../src/app/media/messages.ts';
import { ThreadLink } from '../../src/app/media/thread-link.ts';
import { type AppError, asAppError } from '../../src/core/errors.ts';

export type MediaInProcess = MediaThread & {
  /** It dies, as a thread does. */
  die(why: AppError): void;
};

export const mediaInProcess = (options: MediaOptions): MediaInProcess => {
  const { port1: port, port2: theirs } = new MessageChannel();
  const link = new ThreadLink<MediaReports, MediaCommands>(theirs, (error) => link.tell('defect', carried(error)));
  void openMedia(options, link)
    .catch(asAppError)
    .then((commands) => link.hear(commands));
  let die = (_why: AppError): void => {};
  const lost = new Promise<AppError>((resolve) => {
    die = resolve;
  });
  return { port, lost, die, end: async () => port.close() };
};
