/** Runs the built program as a user does: a child process, its two streams, its exit status. Never hangs: it is killed when it is late. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { main } from '../../src/cli/main.ts';
import { decodeArtefact } from '../../src/finalize/decode/artefact-decoder.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { verifyArtefact } from '../../src/finalize/verify-artefact.ts';
import type { Audio } from './listen.ts';
import { noteSaid } from './said.ts';
import { channelsOf, joined } from './tones.ts';

const WAIT_MS = 20_000;

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export type CommandResult = {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandOptions = {
  /** Added to this process's environment, less what would change the program's ways; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** SIGKILL after this; the result then has a null status. */
  readonly timeoutMs?: number;
  /** Runs as this user: root may write anywhere. */
  readonly uid?: number;
  /** Leads a process group of its own, as a terminal's job does, so that a signal can be sent to all of it. */
  readonly group?: boolean;
};

export type RunningCommand = {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly done: Promise<CommandResult>;
};

const environment = (env: CommandOptions['env'] = {}): Record<string, string> => {
  const merged = { ...process.env, ...env };
  const kept = Object.entries(merged).filter(
    ([name, value]) =>
      value !== undefined && (Object.hasOwn(env, name) || !/^(RECORD_CALL_|FFMPEG_PATH$|NODE_)/.test(name)),
  );
  return Object.fromEntries(kept) as Record<string, string>;
};

export const startCommand = (args: readonly string[], options: CommandOptions = {}): RunningCommand => {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: build first`);
  const { env, cwd, timeoutMs = 30_000, uid, group = false } = options;
  const child = spawn(process.execPath, [CLI, ...args], {
    env: environment(env),
    cwd,
    detached: group,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(late);
      noteSaid(`record-call ${args[0] === 'serve' ? 'serve' : ''}`, `${texts.stdout}\n${texts.stderr}`);
      resolve({ status, signal, ...texts });
    });
  });
  return { child, pid: child.pid!, done };
};

export const runCommand = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  startCommand(args, options).done;

/** Runs `replay --json`, which must end with `status`, and gives its documents beside the rest. */
export const runReplay = async (
  args: readonly string[],
  { status = 0, ...options }: CommandOptions & { readonly status?: number } = {},
): Promise<CommandResult & { readonly documents: readonly RecordingDocument[] }> => {
  const result = await runCommand(['replay', ...args, '--json'], options);
  expect(result, result.stderr).toMatchObject({ status });
  return { ...result, documents: JSON.parse(result.stdout) as RecordingDocument[] };
};

/** The same in this process, for tables whose every row would otherwise be a program. Its environment is `env` alone. */
export const callCommand = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> => {
  const said = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const io = { stdout: output('stdout'), stderr: output('stderr'), env, signal: new AbortController().signal };
  const status = await main(args, io);
  noteSaid('record-call in a test', `${said.stdout}\n${said.stderr}`);
  return { status, signal: null, ...said };
};

/** Exactly one line, ours, without a stack trace. */
export const expectOneLine = (stderr: string): void => {
  expect(stderr).toMatch(/^record-call: [^\n]+\n$/);
  expectNoTrace(stderr);
};

export const expectNoTrace = (text: string): void => {
  expect(text).not.toMatch(
    /\n\s+at |node:internal|\.js:\d+|TypeError|RangeError|ReferenceError|\[object Object\]|undefined/,
  );
};

/** Every file below a folder, hidden ones too, by its path in it; folders end in a slash. Empty when there is no such folder. */
export const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1) + (entry.isDirectory() ? sep : ''))
        .sort()
    : [];

export const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

export const readManifest = ({ manifest }: RecordingDocument): Manifest =>
  JSON.parse(readFileSync(manifest!, 'utf8')) as Manifest;

/** The whole artefact, decoded by this program's own reader. */
export const listenTo = async (path: string): Promise<Audio & { readonly format: string }> => {
  const { chunks, channels, sampleRate, format } = await decodeArtefact(path);
  const all: Int16Array[] = [];
  for await (const chunk of chunks) all.push(chunk.slice());
  return { format, sampleRate, channels: channelsOf(joined(...all), channels) };
};

/** Holds an artefact against the manifest beside it, as `verify` does, without a process for it. */
export const expectVerified = async (path: string): Promise<void> => {
  const failed = (await verifyArtefact(path)).filter(({ ok }) => !ok);
  expect(failed).toEqual([]);
};

/**
 * Looks at something again and again, without resting for longer than a timer's tick, until it is there.
 * @param running who is to bring it about; when it ends first, there is no use in waiting.
 * @throws when it takes too long, or can't come any more.
 */
export const until = async <T>(look: () => T | undefined, what: string, running?: RunningCommand): Promise<T> => {
  const endMs = performance.now() + WAIT_MS;
  let ended: CommandResult | undefined;
  void running?.done.then((result) => {
    ended = result;
  });
  for (;;) {
    const over = ended;
    const found = look();
    if (found !== undefined) return found;
    if (over !== undefined)
      throw new Error(`${what} never came: exit status ${over.status}, ${over.stderr || over.stdout}`);
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
