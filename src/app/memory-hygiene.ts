/**
 * Keeps what is in this process's memory, card data for a moment among it, out of files and other programs: no core dump has any of it (Linux:
 * core(5), `/proc/self/coredump_filter`, RLIMIT_CORE), no debugger comes in by SIGUSR1, no option of Node.js asks for a snapshot. What it
 * set it reads back; children inherit it.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { AppError } from '../core/errors.ts';

const run = promisify(execFile);

export type CoreDumps = {
  /** The size that a core file may have is 0, for good. A kernel that pipes dumps to a program does not ask. */
  readonly limited: boolean;
  /** A dump would hold none of the process's memory, wherever it goes. */
  readonly filtered: boolean;
};

/** What is asked of the machine; an argument, so that others can be tried. */
export type ProcessFiles = {
  readonly filter: string;
  readonly limits: string;
  /** @throws where there is no such program. */
  readonly limit: () => Promise<unknown>;
};

const OURS: ProcessFiles = {
  filter: '/proc/self/coredump_filter',
  limits: '/proc/self/limits',
  // util-linux; Node.js has no call for it.
  limit: () => run('prlimit', ['--pid', String(process.pid), '--core=0:0'], { timeout: 5000 }),
};

/** Turns core dumps off as far as this machine lets it. Never throws. */
export const preventCoreDumps = async (files: ProcessFiles = OURS): Promise<CoreDumps> => {
  await writeFile(files.filter, '0').catch(() => {});
  await files.limit().catch(() => {});
  const filter = await readFile(files.filter, 'utf8').catch(() => '');
  const limits = await readFile(files.limits, 'utf8').catch(() => '');
  return { filtered: /^0+\s*$/.test(filter), limited: /^Max core file size\s+0\s+0\s/m.test(limits) };
};

/** What of it did not work and what to do; undefined when a dump would hold nothing. */
export const coreDumpWarning = ({ limited, filtered }: CoreDumps): string | undefined => {
  if (limited && filtered) return undefined;
  if (filtered)
    return 'the core file size is not limited (prlimit is missing): a core dump would hold no memory, but be written';
  const what = limited ? 'a core dump that the kernel pipes to a program' : 'a core dump';
  return `${what} would hold memory with card data: start it with "ulimit -c 0", and see that kernel.core_pattern names no program`;
};

/** Options of Node.js that write memory, the environment with its keys, or let others read it. */
const REVEALING =
  /^--(heapsnapshot-(near-heap-limit|signal)|heap-prof|report-(on-fatalerror|on-signal|uncaught-exception)|abort-on-uncaught-exception|inspect(-brk|-wait|-port)?)(=|$)/;

/** @param words of the command line before the program's name, and of NODE_OPTIONS. @returns those without their values */
export const revealingOptions = (
  execArgv: readonly string[] = process.execArgv,
  nodeOptions = process.env.NODE_OPTIONS ?? '',
): string[] =>
  [...execArgv, ...nodeOptions.split(/\s+/)]
    .map((word) => word.replace(/^"|"$/g, '').replaceAll('_', '-'))
    .filter((word) => REVEALING.test(word))
    .map((word) => word.split('=', 1)[0] ?? word);

/** @throws CONFIG_INVALID: whoever wants to look into it does so where no card is typed */
export const refuseRevealingOptions = (found: readonly string[] = revealingOptions()): void => {
  const warning = revealingWarning(found);
  if (warning !== undefined) throw new AppError('CONFIG_INVALID', warning);
};

/** What is wrong with such options, if there are any. */
export const revealingWarning = (found: readonly string[] = revealingOptions()): string | undefined =>
  found.length === 0
    ? undefined
    : `Node.js was started with ${found.join(' ')}, which can write or show memory with card data: take it out of NODE_OPTIONS or the command`;

/** Node.js opens a debugger's port on SIGUSR1 unless somebody else listens to that. */
export const ignoreDebuggerSignal = (onSignal: () => void): void => {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', onSignal);
};
