/** Loaded before the program (`--import`): SIGUSR2 ends its media thread, as a defect or a lack of memory there would. */
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

threads.Worker = class extends threads.Worker {
  constructor(url, options) {
    super(url, options);
    if (options?.name === 'media') process.once('SIGUSR2', () => void this.terminate());
  }
};
syncBuiltinESMExports();
