/**
 * One run of ffmpeg through fluent-ffmpeg, fed with bytes: the only place that knows that package. It is archived and
 * has traps; each is closed here or in `tame-command.ts`: `kill` before the start is lost, a closed output is an error.
 * A program that stalls while somebody waits for it is killed.
 */
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import fluent, { type FfmpegCommand } from 'fluent-ffmpeg';
import { type Clock, systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { FfmpegProgram } from './ffmpeg-program.ts';
import { tame } from './tame-command.ts';

export type FfmpegRunOptions = {
  readonly program: FfmpegProgram;
  /** An absolute path to read instead of what `write` gives; `endInput` at once, then. */
  readonly input?: string;
  /** Arguments before `-i`, one by one: an option and its value are two. */
  readonly inputOptions: readonly string[];
  readonly outputOptions: readonly string[];
  /** Made by `pipeEnd`; destroyed with the error when the run fails. Nothing is ever written to a disk. */
  readonly output: PassThrough;
  /** The system's, by default. */
  readonly clock?: Clock;
};

/** Lines of stderr kept for the error. */
const LINES_KEPT = 20;
/** A program that takes and gives nothing for this long, while it is waited for, will never go on. */
const STALLED_SECONDS = 60;

/**
 * A stream for either end of a run. It never closes by itself: fluent-ffmpeg calls a close an error 20 ms later, sooner
 * than some exits.
 */
export const pipeEnd = (): PassThrough => new PassThrough({ autoDestroy: false, emitClose: false });

export class FfmpegRun {
  /**
   * Settles when ffmpeg has ended: resolves on success, rejects with FFMPEG_FAILED and the last line it printed.
   */
  readonly ended: Promise<void>;
  readonly #input = pipeEnd();
  readonly #output: PassThrough;
  readonly #clock: Clock;
  readonly #command: FfmpegCommand;
  /** Pieces of output so far. */
  #given = 0;
  #running = false;
  #killed = false;
  #fail: (error: AppError) => void = () => {};

  constructor({ program, input, inputOptions, outputOptions, output, clock = systemClock }: FfmpegRunOptions) {
    this.#output = output;
    this.#clock = clock;
    const source = input === undefined ? this.#input : `file:${input}`;
    const command = fluent({ source, stdoutLines: LINES_KEPT });
    this.#command = command;
    tame(command, program);
    command.inputOptions(['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', ...inputOptions]);
    command.output(output);
    command.outputOptions([...outputOptions]);
    this.ended = new Promise((resolve, reject) => {
      this.#fail = reject;
      command.on('start', () => {
        this.#running = true;
        if (this.#killed) command.kill('SIGKILL');
      });
      command.on('end', () => {
        this.#running = false;
        resolve();
      });
      command.on('error', (error: Error, _stdout: unknown, stderr: unknown) => {
        this.#running = false;
        reject(failure(reason(error, stderr), error));
      });
    });
    // Also keeps a failure that nobody waits for from being an unhandled rejection.
    this.ended.catch((error: Error) => output.destroy(error));
    output.once('pipe', (from: Readable) => from.on('data', () => this.#given++));
    command.run();
  }

  /**
   * Gives `bytes`, which now belong to the run, to ffmpeg; a promise when it must catch up first.
   * @throws AppError FFMPEG_FAILED when it ended before its input did, or stalled
   */
  write(bytes: Uint8Array): Promise<void> | void {
    if (!this.#input.write(bytes)) return this.#drained();
  }

  /** Says that no more input comes: `ended` will settle. */
  endInput(): void {
    this.#input.end();
    const waiting = new AbortController();
    void this.#watch(waiting.signal);
    const end = (): void => waiting.abort();
    this.ended.then(end, end);
  }

  /** Ends the program at once; `ended` rejects. Idempotent. */
  kill(): void {
    this.#killed = true;
    if (this.#running) this.#command.kill('SIGKILL');
  }

  async #drained(): Promise<void> {
    const waiting = new AbortController();
    const drained = once(this.#input, 'drain', { signal: waiting.signal });
    drained.catch(() => {}); // Aborted below, when nobody waits for it any more.
    void this.#watch(waiting.signal);
    try {
      await Promise.race([drained, this.#endedEarly()]);
    } finally {
      waiting.abort();
    }
  }

  async #endedEarly(): Promise<never> {
    await this.ended;
    throw failure('it ended before its input did');
  }

  /** Kills the program when nothing comes of it for too long. Never rejects. @param waiting aborts when nobody waits for it any more. */
  async #watch(waiting: AbortSignal): Promise<void> {
    for (let given = -1; ; ) {
      // What it gave and nobody has taken yet holds it up, not itself.
      const isHeldUp = this.#output.readableLength > 0;
      if (given === this.#given && !isHeldUp) break;
      given = this.#given;
      try {
        await this.#clock.sleep(STALLED_SECONDS * 1000, waiting);
      } catch {
        return;
      }
    }
    this.kill();
    // At once: a program that hangs in the disk does not die of a signal.
    this.#fail(failure(`it stalled: nothing went in or out for ${STALLED_SECONDS} s`));
  }
}

const failure = (why: string, cause?: unknown): AppError =>
  new AppError('FFMPEG_FAILED', `ffmpeg failed: ${why}`, { cause });

/** What ffmpeg itself said last, else how it ended. */
const reason = (error: Error, stderr: unknown): string => {
  const said = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : undefined;
  return (said || error.message.split('\n')[0]) ?? 'no reason given';
};
