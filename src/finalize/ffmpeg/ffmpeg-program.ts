/**
 * Finds the ffmpeg of this machine and asks once what it can do. Runs nothing but that one file, and never through a
 * shell.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../core/errors.ts';

export type FfmpegProgram = {
  /** Absolute; an executable file when it was probed. */
  readonly path: string;
  /** As it says: `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** Audio encoders, such as `libmp3lame`. */
  readonly encoders: ReadonlySet<string>;
  /** Audio decoders, such as `g729`. */
  readonly decoders: ReadonlySet<string>;
};

/** Where to look: `FFMPEG_PATH` and `PATH` of the environment. */
export type FfmpegEnvironment = { readonly FFMPEG_PATH?: string | undefined; readonly PATH?: string | undefined };

/** A program that answers none of the three questions in this time is not asked a second time. */
const ANSWER_MS = 10_000;
const REMEDY = 'install ffmpeg, or name it in FFMPEG_PATH';

const run = promisify(execFile);
const probed = new Map<string, Promise<FfmpegProgram>>();

/**
 * The first usable ffmpeg: `FFMPEG_PATH` alone when it is set, for an operator who names one means that one; else along
 * `PATH`.
 * @throws AppError FFMPEG_MISSING, saying where it was looked for
 */
export const findFfmpeg = async (environment: FfmpegEnvironment = process.env): Promise<string> => {
  const { FFMPEG_PATH: named, PATH: folders = '' } = environment;
  if (named) {
    if (await isProgram(named)) return resolve(named);
    throw new AppError('FFMPEG_MISSING', `FFMPEG_PATH names ${named}, which is no executable file`);
  }
  for (const folder of folders.split(delimiter)) {
    const candidate = resolve(folder, 'ffmpeg');
    if (folder !== '' && (await isProgram(candidate))) return candidate;
  }
  throw new AppError('FFMPEG_MISSING', `ffmpeg is not in PATH: ${REMEDY}`);
};

/**
 * The ffmpeg of this machine with its version, encoders and decoders; asked once per path and process.
 * @throws AppError FFMPEG_MISSING when there is none or it does not answer as ffmpeg does
 */
export const probeFfmpeg = async (environment: FfmpegEnvironment = process.env): Promise<FfmpegProgram> => {
  const path = await findFfmpeg(environment);
  const known = probed.get(path);
  if (known !== undefined) return known;
  const asking = ask(path);
  probed.set(path, asking);
  asking.catch(() => probed.delete(path)); // It may be repaired while we run.
  return asking;
};

const isProgram = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile(); // Folders are executable too.
  } catch {
    return false;
  }
};

const ask = async (path: string): Promise<FfmpegProgram> => {
  const question = async (flag: string): Promise<string> => {
    const { stdout } = await run(path, ['-nostdin', '-hide_banner', flag], { timeout: ANSWER_MS, windowsHide: true });
    return stdout;
  };
  try {
    const [about, encoders, decoders] = await Promise.all([
      question('-version'),
      question('-encoders'),
      question('-decoders'),
    ]);
    const version = /^ffmpeg version (\S+)/.exec(about)?.[1];
    if (version === undefined) throw new Error('it does not say its version');
    return { path, version, encoders: audioCodecs(encoders), decoders: audioCodecs(decoders) };
  } catch (error) {
    throw new AppError('FFMPEG_MISSING', `${path} does not answer as ffmpeg does: ${REMEDY}`, { cause: error });
  }
};

/** Lines such as ` A....D g729                 G.729`: six flags, the first A for audio, then the name. */
const audioCodecs = (listing: string): ReadonlySet<string> =>
  new Set([...listing.matchAll(/^ A[A-Z.]{5} ([^\s=]+)/gm)].map((line) => line[1]!));
