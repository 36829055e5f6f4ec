/** The programs in C beside which our receiver is measured and which send to it: built for one run, into a folder of that run. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Paths; undefined where they could not be built. */
export type Tools = {
  readonly sink: string | undefined;
  readonly sender: string | undefined;
  readonly callSender: string | undefined;
  /** Why something is not there. */
  readonly why: string | undefined;
  readonly hasTaskset: boolean;
};

const NONE = { sink: undefined, sender: undefined, callSender: undefined } as const;
const SOURCES = new URL('../native/', import.meta.url);
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra'];

export const buildTools = async (folder: string): Promise<Tools> => {
  const hasTaskset = (await outcome('taskset', ['--version'])) === undefined;
  if (process.platform !== 'linux') {
    return { ...NONE, why: 'recvmmsg and UDP_SEGMENT are Linux’s', hasTaskset };
  }
  const compiler = await firstCompiler();
  if (compiler === undefined) return { ...NONE, why: 'no C compiler', hasTaskset };
  await mkdir(folder, { recursive: true });
  const build = async (name: string): Promise<{ path?: string; why?: string }> => {
    const path = join(folder, name);
    const why = await outcome(compiler, [...FLAGS, fileURLToPath(new URL(`${name}.c`, SOURCES)), '-o', path]);
    return why === undefined ? { path } : { why: `${compiler} does not build ${name}.c: ${why}` };
  };
  const [sink, sender, callSender] = await Promise.all([build('udp-sink'), build('rtp-sender'), build('call-sender')]);
  const why = sink.why ?? sender.why ?? callSender.why;
  return { sink: sink.path, sender: sender.path, callSender: callSender.path, why, hasTaskset };
};

/** A core each, where there are two and a way to ask for them: the sender's work is not the receiver's. */
export const coresFor = ({ hasTaskset }: Pick<Tools, 'hasTaskset'>): { receiver?: number; sender?: number } => {
  const cores = availableParallelism();
  return hasTaskset && process.platform === 'linux' && cores > 1 ? { receiver: cores - 1, sender: 0 } : {};
};

export const isPinned = (tools: Tools): boolean => coresFor(tools).receiver !== undefined;

const firstCompiler = async (): Promise<string | undefined> => {
  for (const name of [process.env.CC ?? '', 'cc', 'gcc', 'clang'])
    if (name !== '' && (await outcome(name, ['--version'])) === undefined) return name;
  return undefined;
};

/** @returns undefined when it succeeds, else why not. */
const outcome = (program: string, args: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000 }, (error, _, complaint) =>
      resolve(error === null ? undefined : (complaint.split('\n', 1)[0] || error.message).slice(0, 200)),
    );
  });
