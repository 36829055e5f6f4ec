/**
 * Makes a command of fluent-ffmpeg one that can't bring this process down. Knows the package's inside: it is archived, and its
 * version is pinned. Starts nothing.
 */
import type { FfmpegCommand } from 'fluent-ffmpeg';
import type { FfmpegProgram } from './ffmpeg-program.ts';

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
export const tame = (command: FfmpegCommand, program: FfmpegProgram): void => {
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
