/**
 * What Exotel's Stream applet says to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 8000 -ac 1 - | npx tsx samples/clients/exotel.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/exotel?token=KEY&record_call=true' -
 */
import { pathToFileURL } from 'node:url';
import type { Closed } from './client-socket.ts';
import { playMediaStream, type TrackPlayed } from './media-streams.ts';
import { type Played, paced } from './played.ts';

export type ExotelOptions = { readonly callSid: string; readonly parameters?: Readonly<Record<string, string>> };

const FRAME_MS = 100;

/** Linear, 8 kHz, in messages of 100 ms; one track, which has no name. @returns how the connection ended. */
export const playExotel = (
  url: string,
  { callSid, parameters = {} }: ExotelOptions,
  played: AsyncIterable<TrackPlayed>,
): Promise<Closed> => {
  const stream_sid = '8e5d9e6e1d2c4f0a';
  let sequence = 0;
  const numbered = (message: object): object => ({ ...message, sequence_number: `${++sequence}`, stream_sid });
  const start = {
    stream_sid,
    call_sid: callSid,
    account_sid: 'exotel',
    from: '+910000000001',
    to: '+911800000000',
    custom_parameters: parameters,
    media_format: { encoding: 'base64', sample_rate: '8000', bit_rate: '128kbps' },
  };
  return playMediaStream(
    url,
    {
      before: [{ event: 'connected' }, numbered({ event: 'start', start })],
      media: ({ chunk, timestampMs, payload }) =>
        numbered({ event: 'media', media: { chunk: `${chunk}`, timestamp: `${timestampMs}`, payload } }),
      dtmf: (digit) => numbered({ event: 'dtmf', dtmf: { digit, duration: '140' } }),
      stop: { event: 'stop', stream_sid, stop: { call_sid: callSid, reason: 'callended' } },
    },
    joined(played),
    { frameMs: FRAME_MS },
  );
};

/** Five frames of 20 ms to a message; a key ends one early. */
async function* joined(played: AsyncIterable<TrackPlayed>): AsyncGenerator<Played> {
  const frames: Uint8Array[] = [];
  for await (const each of played) {
    if ('key' in each) {
      yield each;
      continue;
    }
    frames.push('track' in each ? each.bytes : Buffer.from(each));
    if (frames.length === FRAME_MS / 20) yield Buffer.concat(frames.splice(0));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playExotel(url, { callSid: 'c1' }, paced(path, 320));
}
