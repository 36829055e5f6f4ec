/** Runs one program to its end, one at a time, and tells what it took. Ends it when the benchmark is interrupted. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childrenCpuSeconds, ProcessTree } from './process-tree.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEPT_TEXT = 2000;
/** A program that doesn't end when asked to is ended. */
const PATIENCE_MS = 5000;

export type ChildRun = {
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
  readonly stdout: string;
};

/** @throws Error with the end of what it printed when it fails; the signal's reason when that was aborted. */
export const runChild = async (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ChildRun> => {
  signal.throwIfAborted();
  const cpuBefore = childrenCpuSeconds();
  const startedAt = performance.now();
  const child = spawn(program, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const tree = child.pid === undefined ? undefined : new ProcessTree(child.pid);
  let stdout = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-KEPT_TEXT)));
  let patience: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  };
  signal.addEventListener('abort', end);
  let seconds = 0;
  child.once('exit', () => {
    seconds = (performance.now() - startedAt) / 1000;
  });
  try {
    const outcome = await new Promise<string | number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killedBy) => resolve(killedBy ?? code));
    });
    signal.throwIfAborted();
    if (outcome !== 0) throw new Error(`${program} ended with ${outcome}: ${complaint.trim()}`);
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(patience);
    tree?.close();
  }
  const cpuAfter = childrenCpuSeconds();
  const cpuSeconds = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  return { seconds, cpuSeconds, peakBytes: tree?.close() ?? null, stdout };
};
