/** ffmpeg for each call: reads both legs by an SDP, writes them left and right. */
import { writeFile } from 'node:fs/promises';
import { kbpsOf } from '../commands.ts';
import { USUAL_SOUND } from '../trial.ts';
import { processPerCall } from './process-per-call.ts';
import type { CallPorts, CallRecorder } from './recorder.ts';

export const KBPS = kbpsOf(USUAL_SOUND);
export const BYTES_PER_SECOND = { wav: USUAL_SOUND.rate * USUAL_SOUND.channels * 2, mp3: (KBPS * 1000) / 8 } as const;

/** Two legs of PCMU, each at a port of this machine. */
export const sdpOf = (ports: readonly number[]): string =>
  [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    ...ports.map((port) => `m=audio ${port} RTP/AVP 0`),
    '',
  ].join('\r\n');

export const ffmpegRecorder = (makes: 'wav' | 'mp3'): CallRecorder =>
  processPerCall({
    name: 'ffmpeg, one for each call',
    makes,
    needs: makes === 'mp3' ? 'ffmpeg with libmp3lame' : 'ffmpeg',
    bytesPerSecond: BYTES_PER_SECOND[makes],
    command: async ({ ports, out }) => {
      const sdp = `${out}.sdp`;
      await writeFile(sdp, sdpOf(legsOf(ports)));
      return [
        ...['ffmpeg', '-hide_banner', '-loglevel', 'error', '-nostdin', '-protocol_whitelist', 'file,rtp,udp'],
        ...['-i', sdp, '-filter_complex', '[0:a:0][0:a:1]amerge=inputs=2'],
        ...(makes === 'mp3' ? ['-c:a', 'libmp3lame', '-b:a', `${KBPS}k`, '-joint_stereo', '0'] : []),
        out,
      ];
    },
  });

export const legsOf = ({ a, b }: CallPorts): readonly number[] => [a, b];
