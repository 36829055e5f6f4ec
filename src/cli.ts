#!/usr/bin/env node
/** The program: this process's streams, signals and exit status around `main`. */
import { main } from './cli/main.ts';

const ending = new AbortController();
const end = (): void => {
  if (ending.signal.aborted) process.exit(1);
  ending.abort(new Error('interrupted'));
};
process.on('SIGINT', end);
process.on('SIGTERM', end);
// Whoever reads us may stop reading (`| head`): nothing is left to tell then.
process.stdout.on('error', () => process.exit(0));
// What is only said along the way may go unread.
process.stderr.on('error', () => {});

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: ending.signal,
});
