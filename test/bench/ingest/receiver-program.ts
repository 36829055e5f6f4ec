/** A receiver as a process of its own, spoken to by lines: asked what it has counted, ended by the end of its standard input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Counted, Listening } from './receiver-job.ts';

const PATIENCE_MS = 5000;
const KEPT_TEXT = 1000;

const MOST_FILES = ['sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh'];

/** The same command with as many open files as may be had. */
export const withMostFiles = (command: readonly string[]): readonly string[] => [...MOST_FILES, ...command];

/** @param core which the program may run on; undefined: any. */
export const onCore = (core: number | undefined, command: readonly string[]): readonly string[] =>
  core === undefined ? command : ['taskset', '-c', String(core), ...command];

export class ReceiverProgram {
  readonly ports: readonly number[];
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  readonly #said: () => string;

  /** @throws Error with what it said when it doesn't listen; the signal's reason */
  static async start(command: readonly string[], signal: AbortSignal): Promise<ReceiverProgram> {
    signal.throwIfAborted();
    const [program = '', ...args] = withMostFiles(command);
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-KEPT_TEXT)));
    // An abort is told by whoever waits for a line; one that has gone takes no more words.
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) {
      await ended;
      signal.throwIfAborted();
      throw new Error(`the receiver did not listen: ${said.trim()}`);
    }
    return new ReceiverProgram(child, ended, lines, JSON.parse(first.value) as Listening, () => said.trim());
  }

  private constructor(
    child: ChildProcess,
    ended: Promise<void>,
    lines: AsyncIterator<string>,
    { ports }: Listening,
    said: () => string,
  ) {
    this.#child = child;
    this.#ended = ended;
    this.#lines = lines;
    this.ports = ports;
    this.#said = said;
  }

  async count(): Promise<Counted> {
    this.#child.stdin?.write('\n');
    const line = await this.#lines.next();
    if (line.done === true) {
      await this.#ended;
      throw new Error(`the receiver ended: ${this.#said()}`);
    }
    return JSON.parse(line.value) as Counted;
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#ended;
    clearTimeout(patience);
  }
}
