#!/usr/bin/env node
/** The program: this process's streams, signals and exit status around `main`. */
import { errorLine } from './cli/error-line.ts';
import { main } from './cli/main.ts';
import { StandardOutput } from './cli/standard-output.ts';

const ending = new AbortController();
const end = (): void => {
  if (ending.signal.aborted) process.exit(1);
  ending.abort(new Error('interrupted'));
};
process.on('SIGINT', end);
process.on('SIGTERM', end);
// The terminal is gone.
process.on('SIGHUP', end);
const stdout = new StandardOutput(process.stdout);
// What is said there may go unread: nothing is left to tell it to.
process.stderr.on('error', () => {});

const status = await main(process.argv.slice(2), {
  stdout,
  stderr: process.stderr,
  env: process.env,
  signal: ending.signal,
});
const lost = await stdout.flushed();
// Whatever failed has said so already, in its one line.
if (status === 0 && lost !== undefined) process.stderr.write(errorLine(lost));
// All is done and told. Left to end by itself, Node.js can stand still for ever (nodejs/node#54918: its compiler's threads wait for this one).
process.exit(status === 0 ? (lost?.exit ?? 0) : status);
