/**
 * What Twilio's Media Streams say to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f mulaw -ar 8000 -ac 1 - | npx tsx samples/clients/twilio.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/twilio' KEY -
 */
import { createHmac } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Closed } from './client-socket.ts';
import { playMediaStream, type TrackPlayed } from './media-streams.ts';
import { paced } from './played.ts';

export type TwilioOptions = {
  readonly callSid: string;
  /** `<Parameter>`s: there is no query in a URL that Twilio calls. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Signs as Twilio does, with the account's auth token. */
  readonly authToken?: string;
  readonly mediaFormat?: object;
};

/** @returns how the connection ended. */
export const playTwilio = (
  url: string,
  { callSid, parameters = {}, authToken, mediaFormat }: TwilioOptions,
  played: AsyncIterable<TrackPlayed>,
): Promise<Closed> => {
  const streamSid = 'MZ18ad3ab5a668481ce02b83e7395059f0';
  let sequence = 0;
  const numbered = (message: object): object => ({ ...message, sequenceNumber: `${++sequence}`, streamSid });
  const start = {
    accountSid: 'AC00000000000000000000000000000000',
    streamSid,
    callSid,
    tracks: ['inbound', 'outbound'],
    customParameters: parameters,
    mediaFormat: mediaFormat ?? { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
  };
  const signature = authToken && createHmac('sha1', authToken).update(url).digest('base64');
  return playMediaStream(
    url,
    {
      before: [{ event: 'connected', protocol: 'Call', version: '1.0.0' }, numbered({ event: 'start', start })],
      media: ({ track, chunk, timestampMs, payload }) =>
        numbered({ event: 'media', media: { track, chunk: `${chunk}`, timestamp: `${timestampMs}`, payload } }),
      dtmf: (digit) => numbered({ event: 'dtmf', dtmf: { track: 'inbound_track', digit } }),
      stop: numbered({ event: 'stop', stop: { accountSid: start.accountSid, callSid } }),
    },
    played,
    signature ? { headers: { 'X-Twilio-Signature': signature } } : {},
  );
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', token = '', path = '-'] = process.argv.slice(2);
  await playTwilio(url, { callSid: 'CA1', parameters: { token, record_call: 'true' } }, paced(path, 160));
}
