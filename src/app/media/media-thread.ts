/** The media thread's beginning: makes everything that takes in media (`media.ts`), and hears what the API's thread asks of it. Runs as a worker. */
import { workerData } from 'node:worker_threads';
import { asAppError } from '../../core/errors.ts';
import { carried } from './carried-error.ts';
import { openMedia } from './media.ts';
import type { MediaThreadData } from './media-options.ts';
import type { MediaCommands, MediaReports } from './messages.ts';
import { ThreadLink } from './thread-link.ts';

const { options, port } = workerData as MediaThreadData;
const link = new ThreadLink<MediaReports, MediaCommands>(port, (error) => link.tell('defect', carried(error)));
// `opened` was asked before anything else, and is answered by either.
link.hear(await openMedia(options, link).catch(asAppError));
