/** The programs in C beside which our receiver is measured and which send to it: built for one run, into a folder of that run. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Paths; undefined where they could not be built. */
export type Tools = {
  readonly sink: string | undefined;
  readonly sender: string | undefined;
  /** Why something is not there. */
  readonly why: string | undefined;
  readonly hasTaskset: boolean;
};

const SOURCES = new URL('../native/', import.meta.url);
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra'];

export const buildTools = async (folder: string): Promise<Tools> => {
  const hasTaskset = (await outcome('taskset', ['--version'])) === undefined;
  if (process.platform !== 'linux') {
    return { sink: undefined, sender: undefined, why: 'recvmmsg and UDP_SEGMENT are Linux’s', hasTaskset };
  }
  const compiler = await firstCompiler();
  if (compiler === undefined) return { sink: undefined, sender: undefined, why: 'no C compiler', hasTaskset };
  await mkdir(folder, { recursive: true });
  const build = async (name: string): Promise<{ path?: string; why?: string }> => {
    const path = join(folder, name);
    const why = await outcome(compiler, [...FLAGS, fileURLToPath(new URL(`${name}.c`, SOURCES)), '-o', path]);
    return why === undefined ? { path } : { why: `${compiler} does not build ${name}.c: ${why}` };
  };
  const [sink, sender] = await Promise.all([build('udp-sink'), build('rtp-sender')]);
  return { sink: sink.path, sender: sender.path, why: sink.why ?? sender.why, hasTaskset };
};

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
