/** Programs that pass for ffmpeg and misbehave: shell scripts of a few lines. */
import { chmodSync, writeFileSync } from 'node:fs';
import type { FfmpegProgram } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';

/** Writes `script` to `path`, executable, and describes it as an ffmpeg that can do everything. */
export const pretender = (path: string, script: string): FfmpegProgram => {
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return described(path);
};

export const described = (path: string): FfmpegProgram => ({
  path,
  version: '0',
  encoders: new Set(['libmp3lame']),
  decoders: new Set(['g729', 'gsm']),
});

/** Takes some input, then is killed as by the out-of-memory killer. */
export const DIES = '#!/bin/sh\nhead -c 100000 >/dev/null\nkill -9 $$\n';
/** Fails as ffmpeg does, with the reason on its last line. */
export const FAILS = '#!/bin/sh\necho "some banner" >&2\necho "pipe:0: Invalid data found" >&2\nexit 1\n';
/** Closes its output long before it exits, with success. */
export const LINGERS = '#!/bin/sh\ncat >/dev/null\nprintf abcd\nexec >&-\nsleep 0.2\n';
/** Ends at once, content with nothing. */
export const QUITS = '#!/bin/sh\nexit 0\n';
