/**
 * What SignalWire's `<Stream>` says to record-call, in a few lines: Twilio's messages, and a bearer token.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 1 - | npx tsx samples/clients/signalwire.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/signalwire' KEY -
 */
import { pathToFileURL } from 'node:url';
import type { Closed } from './client-socket.ts';
import { playMediaStream, type TrackPlayed } from './media-streams.ts';
import { paced } from './played.ts';

export type SignalwireOptions = {
  readonly callSid: string;
  /** `authBearerToken`. */
  readonly token: string;
  readonly parameters?: Readonly<Record<string, string>>;
};

/** L16@16000h. @returns how the connection ended. */
export const playSignalwire = (
  url: string,
  { callSid, token, parameters = {} }: SignalwireOptions,
  played: AsyncIterable<TrackPlayed>,
): Promise<Closed> => {
  const streamSid = '6e6d2c5a-0d5f-4a5e-9b1e-6c8c2f8f1f2a';
  const start = {
    streamSid,
    callSid,
    accountSid: 'b08dacad-2c6a-4b8f-9d4c-7b0f5e0c9c55',
    tracks: ['inbound', 'outbound'],
    customParameters: parameters,
    mediaFormat: { encoding: 'audio/x-l16', sampleRate: 16_000, channels: 1 },
  };
  return playMediaStream(
    url,
    {
      before: [
        { event: 'connected', protocol: 'Call', version: '0.2.0' },
        { event: 'start', sequenceNumber: '1', start, streamSid },
      ],
      media: ({ track, chunk, timestampMs, payload }) => ({
        event: 'media',
        media: { track, chunk: `${chunk}`, timestamp: `${timestampMs}`, payload },
        streamSid,
      }),
      dtmf: (digit) => ({ event: 'dtmf', dtmf: { track: 'inbound_track', digit }, streamSid }),
      stop: { event: 'stop', stop: { callSid }, streamSid },
    },
    played,
    { headers: { Authorization: `Bearer ${token}` } },
  );
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', token = '', path = '-'] = process.argv.slice(2);
  await playSignalwire(url, { callSid: 'c1', token, parameters: { record_call: 'true' } }, paced(path, 640));
}
