/** The programs that are run from start to end: record-call as it is built, and its peers on the same PCM. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { voiceBitrate } from '../../src/finalize/encode/voice-bitrate.ts';
import { type CallFiles, type CommandDriver, type Sound, USUAL_SOUND } from './trial.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** Peers get the bitrate that record-call chooses. */
export const kbpsOf = ({ rate, channels }: Sound): number => voiceBitrate(rate, channels);

const pcmOf = ({ name, pcm }: CallFiles, { channels }: Sound): string => {
  const path = channels === 2 ? pcm?.stereo : pcm?.mono;
  if (path === undefined) throw new Error(`the ${name} call has no PCM of ${channels} channels for other programs`);
  return path;
};

const NEEDS = { ffmpeg: 'ffmpeg with libmp3lame', libmp3lame: 'native libmp3lame' } as const;

export const recordCallTo = (format: 'wav' | 'mp3', encoder?: 'lamejs' | 'ffmpeg' | 'libmp3lame'): CommandDriver => ({
  kind: 'command',
  name: encoder === undefined ? 'record-call' : `record-call, ${encoder}`,
  ...(encoder === 'ffmpeg' || encoder === 'libmp3lame' ? { needs: NEEDS[encoder] } : {}),
  program: process.execPath,
  args: ({ capture }, out) => [CLI, 'replay', capture, '--data', JSON.stringify({ format }), '--out', out],
  env: { RECORD_CALL_MP3_ENCODER: encoder ?? 'auto' },
});

export const ffmpegTo = (format: 'wav' | 'mp3', sound = USUAL_SOUND): CommandDriver => ({
  kind: 'command',
  name: 'ffmpeg',
  needs: format === 'mp3' ? 'ffmpeg with libmp3lame' : 'ffmpeg',
  program: 'ffmpeg',
  args: (call, out) => [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-f', 's16le'],
    ...['-ar', `${sound.rate}`, '-ac', `${sound.channels}`, '-i', pcmOf(call, sound)],
    // Not joint stereo, as record-call has it: the legs share nothing.
    ...(format === 'mp3' ? ['-c:a', 'libmp3lame', '-b:a', `${kbpsOf(sound)}k`, '-joint_stereo', '0'] : []),
    join(out, `ffmpeg.${format}`),
  ],
});

export const lameTo = (sound = USUAL_SOUND): CommandDriver => ({
  kind: 'command',
  name: 'lame',
  needs: 'lame',
  program: 'lame',
  args: (call, out) => [
    ...['--quiet', '-r', '-s', `${sound.rate / 1000}`, '--bitwidth', '16', '--signed', '--little-endian'],
    ...[
      '-m',
      sound.channels === 2 ? 's' : 'm',
      '--cbr',
      '-b',
      `${kbpsOf(sound)}`,
      '--resample',
      `${sound.rate / 1000}`,
    ],
    ...[pcmOf(call, sound), join(out, 'lame.mp3')],
  ],
});

export const soxTo = (format: 'wav' | 'mp3', sound = USUAL_SOUND): CommandDriver => ({
  kind: 'command',
  name: 'sox',
  needs: format === 'mp3' ? 'sox with mp3' : 'sox',
  program: 'sox',
  args: (call, out) => [
    ...['-t', 'raw', '-r', `${sound.rate}`, '-e', 'signed', '-b', '16', '-c', `${sound.channels}`, pcmOf(call, sound)],
    ...(format === 'mp3' ? ['-C', `${kbpsOf(sound)}`] : []),
    join(out, `sox.${format}`),
  ],
});
