/** Loaded into the service by `--import`, into each of its threads of JavaScript: notes which thread of the system runs which file. Linux. */
import { appendFileSync, readlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_THREADS_FILE;
try {
  const thread = readlinkSync('/proc/thread-self').split('/').at(-1);
  const name = isMainThread ? 'main' : process.argv[1];
  // Programs that the service starts inherit the environment, not its file.
  if (file !== undefined && (!isMainThread || process.argv[2] === 'serve')) appendFileSync(file, `${thread} ${name}\n`);
} catch {
  // Elsewhere nobody can tell.
}
