/**
 * One run of ffmpeg through fluent-ffmpeg, fed with bytes: the only place that knows that package. It is archived and
 * has traps; each is closed here: a program that can't be started brings the process down, `kill` before the start is
 * lost, a closed output is an error.
 */
import { once } from 'node:events';
import { PassThrough, type Writable } from 'node:stream';
import fluent, { type FfmpegCommand } from 'fluent-ffmpeg';
import { AppError } from '../../core/errors.ts';
import type { FfmpegProgram } from './ffmpeg-program.ts';

export type FfmpegRunOptions = {
  readonly program: FfmpegProgram;
  /** Arguments before `-i`, one by one: an option and its value are two. */
  readonly inputOptions: readonly string[];
  readonly outputOptions: readonly string[];
  /**
   * An absolute path, written over when it is there, or a stream made by `pipeEnd`, destroyed with the error when the
   * run fails.
   */
  readonly output: string | Writable;
};

/** Lines of stderr kept for the error. */
const LINES_KEPT = 20;

/**
 * A stream for either end of a run. It never closes by itself: fluent-ffmpeg calls a close an error 20 ms later, sooner
 * than some exits.
 */
export const pipeEnd = (): PassThrough => new PassThrough({ autoDestroy: false, emitClose: false });

export class FfmpegRun {
  /** Settles when ffmpeg has ended: resolves on success, rejects with FFMPEG_FAILED and the last line it printed. */
  readonly ended: Promise<void>;
  readonly #input = pipeEnd();
  readonly #command: FfmpegCommand;
  #running = false;
  #killed = false;

  constructor({ program, inputOptions, outputOptions, output }: FfmpegRunOptions) {
    const command = fluent({ source: this.#input, stdoutLines: LINES_KEPT });
    this.#command = command;
    tame(command, program);
    // -y: fluent-ffmpeg adds it for plain paths only, and without `file:` a path such as `a:b.mp3` would be a protocol.
    command.inputOptions(['-hide_banner', '-nostdin', '-nostats', '-y', '-loglevel', 'error', ...inputOptions]);
    command.output(typeof output === 'string' ? `file:${output}` : output);
    command.outputOptions([...outputOptions]);
    this.ended = new Promise((resolve, reject) => {
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
        reject(new AppError('FFMPEG_FAILED', `ffmpeg failed: ${reason(error, stderr)}`, { cause: error }));
      });
    });
    // Also keeps a failure that nobody waits for from being an unhandled rejection.
    this.ended.catch((error: Error) => typeof output !== 'string' && output.destroy(error));
    command.run();
  }

  /**
   * Gives `bytes`, which now belong to the run, to ffmpeg; a promise when it must catch up first.
   * @throws AppError FFMPEG_FAILED when it ended before its input did
   */
  write(bytes: Uint8Array): Promise<void> | void {
    if (!this.#input.write(bytes)) return this.#drained();
  }

  /** Says that no more input comes: `ended` will settle. */
  endInput(): void {
    this.#input.end();
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
    try {
      await Promise.race([drained, this.#endedEarly()]);
    } finally {
      waiting.abort();
    }
  }

  async #endedEarly(): Promise<never> {
    await this.ended;
    throw new AppError('FFMPEG_FAILED', 'ffmpeg failed: it ended before its input did');
  }
}

/** What ffmpeg itself said last, else how it ended. */
const reason = (error: Error, stderr: unknown): string => {
  const said = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : undefined;
  return (said || error.message.split('\n')[0]) ?? 'no reason given';
};

type SpawnEnd = (error: unknown, stdout: unknown, stderr: unknown) => void;

/** Methods of fluent-ffmpeg's commands that its types leave out. The version is pinned and will not change any more. */
type Inside = {
  _spawnFfmpeg(...spawnArguments: unknown[]): void;
  _getFfmpegPath(answer: (error: null, path: string) => void): void;
  _checkCapabilities(answer: (error: null) => void): void;
  availableEncoders(answer: (error: null, encoders: Record<string, never>) => void): void;
};

const NO_LINES = { get: () => '', callback: () => {} };

/**
 * Makes `command` run `program`, and survive when that can't be started: fluent-ffmpeg then calls back without the
 * buffers that it goes on to read, or throws where nobody can catch. It also keeps one path for all commands, and asks
 * ffmpeg for lists before each first run, which it can't read from every version; we have asked already.
 */
const tame = (command: FfmpegCommand, program: FfmpegProgram): void => {
  const inside = command as unknown as Inside;
  const spawn = inside._spawnFfmpeg;
  inside._spawnFfmpeg = (...spawnArguments) => {
    const end = spawnArguments.pop() as SpawnEnd;
    const survive: SpawnEnd = (error, stdout = NO_LINES, stderr = NO_LINES) => end(error, stdout, stderr);
    try {
      spawn.call(command, ...spawnArguments, survive);
    } catch (error) {
      survive(error, NO_LINES, NO_LINES);
    }
  };
  inside._getFfmpegPath = (answer) => answer(null, program.path);
  inside._checkCapabilities = (answer) => answer(null);
  inside.availableEncoders = (answer) => answer(null, {});
};
