/** The programs that are run from start to end: record-call as it is built, and its peers on the same PCM. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { voiceBitrate } from '../../src/finalize/encode/voice-bitrate.ts';
import type { CallFiles, CommandDriver } from './trial.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const RATE = 8000;
/** Peers get the bitrate that record-call chooses. */
export const KBPS = voiceBitrate(RATE, 2);

const pcmOf = ({ name, pcm }: CallFiles): string => {
  if (pcm === undefined) throw new Error(`the ${name} call has no PCM for other programs`);
  return pcm;
};

export const recordCallTo = (format: 'wav' | 'mp3', encoder?: 'lamejs' | 'ffmpeg'): CommandDriver => ({
  kind: 'command',
  name: encoder === undefined ? 'record-call' : `record-call, ${encoder}`,
  ...(encoder === 'ffmpeg' ? { needs: 'ffmpeg with libmp3lame' as const } : {}),
  program: process.execPath,
  args: ({ capture }, out) => [CLI, 'replay', capture, '--data', JSON.stringify({ format }), '--out', out],
  env: { RECORD_CALL_MP3_ENCODER: encoder ?? 'auto' },
});

export const ffmpegTo = (format: 'wav' | 'mp3'): CommandDriver => ({
  kind: 'command',
  name: 'ffmpeg',
  needs: format === 'mp3' ? 'ffmpeg with libmp3lame' : 'ffmpeg',
  program: 'ffmpeg',
  args: (call, out) => [
    ...[
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-f',
      's16le',
      '-ar',
      `${RATE}`,
      '-ac',
      '2',
      '-i',
      pcmOf(call),
    ],
    // Not joint stereo, as record-call has it: the legs share nothing.
    ...(format === 'mp3' ? ['-c:a', 'libmp3lame', '-b:a', `${KBPS}k`, '-joint_stereo', '0'] : []),
    join(out, `ffmpeg.${format}`),
  ],
});

export const lameTo = (): CommandDriver => ({
  kind: 'command',
  name: 'lame',
  needs: 'lame',
  program: 'lame',
  args: (call, out) => [
    ...['--quiet', '-r', '-s', `${RATE / 1000}`, '--bitwidth', '16', '--signed', '--little-endian', '-m', 's'],
    ...['--cbr', '-b', `${KBPS}`, '--resample', `${RATE / 1000}`, pcmOf(call), join(out, 'lame.mp3')],
  ],
});

export const soxTo = (format: 'wav' | 'mp3'): CommandDriver => ({
  kind: 'command',
  name: 'sox',
  needs: format === 'mp3' ? 'sox with mp3' : 'sox',
  program: 'sox',
  args: (call, out) => [
    ...['-t', 'raw', '-r', `${RATE}`, '-e', 'signed', '-b', '16', '-c', '2', pcmOf(call)],
    ...(format === 'mp3' ? ['-C', `${KBPS}`] : []),
    join(out, `sox.${format}`),
  ],
});
