/** The sender of whole calls (`native/call-sender.c`) as a process of its own: legs begin when they are told to, each says something else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { LEGS } from '../../../src/core/leg.ts';
import { onCore } from '../ingest/receiver-program.ts';
import { sampleVoices } from '../voice.ts';

/** What it tells whenever it is asked, of all legs since its start. */
export type Sending = {
  /** Still at it. */
  readonly legs: number;
  readonly sent: number;
  /** The operating system took no more. */
  readonly unsent: number;
  /** ms after their time that the latest hundredth was sent, at least. */
  readonly lateMs: number;
  readonly cpuSeconds: number;
};

export type SenderPlan = {
  readonly program: string;
  /** What is said goes there. */
  readonly voiceFile: string;
  /** Packets of a leg that leave together. */
  readonly burst: number;
  readonly core: number | undefined;
};

/** The sample call's speech, both parties', as frames of µ-law one after another. */
export const writeVoices = async (path: string): Promise<void> => {
  const voices = await sampleVoices();
  await writeFile(path, Buffer.concat(LEGS.flatMap((leg) => voices[leg])), { mode: 0o600 });
};

export class CallSender {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #last: Sending | undefined;

  constructor({ program, voiceFile, burst, core }: SenderPlan, signal: AbortSignal) {
    const [command = '', ...args] = onCore(core, [program, voiceFile, String(burst)]);
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], signal, killSignal: 'SIGKILL' });
    // An abort is told by whoever asks it next; one that has gone takes no more words.
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** @param port of the leg. @param frames of 20 ms */
  begin(port: number, frames: number): void {
    this.#child.stdin?.write(`+ ${port} ${frames}\n`);
  }

  /** Every leg falls silent. */
  endLegs(): void {
    this.#child.stdin?.write('-\n');
  }

  async count(): Promise<Sending> {
    this.#child.stdin?.write('?\n');
    return await this.#told();
  }

  /** Ends it, again or not. @returns what it has sent in all; undefined when it could not tell */
  async stop(): Promise<Sending | undefined> {
    if (this.#child.stdin?.writable === true) {
      this.#child.stdin.end();
      this.#last = await this.#told().catch(() => undefined);
    }
    await this.#ended;
    return this.#last;
  }

  async #told(): Promise<Sending> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the sender ended');
    return JSON.parse(line.value) as Sending;
  }
}
