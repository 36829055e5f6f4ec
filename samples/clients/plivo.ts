/**
 * What Plivo's audio streams say to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 1 - | npx tsx samples/clients/plivo.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/plivo?token=KEY&record_call=true' -
 */
import { createHmac, randomInt } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Closed } from './client-socket.ts';
import { playMediaStream, type TrackPlayed } from './media-streams.ts';
import { paced } from './played.ts';

export type PlivoOptions = {
  readonly callId: string;
  /** `extraHeaders`. */
  readonly extraHeaders?: string;
  /** Signs as Plivo does, with the account's auth token. */
  readonly authToken?: string;
};

/** Linear, 16 kHz. @returns how the connection ended. */
export const playPlivo = (
  url: string,
  { callId, extraHeaders = '{}', authToken }: PlivoOptions,
  played: AsyncIterable<TrackPlayed>,
): Promise<Closed> => {
  const streamId = '20170ada-f610-433b-8758-c02a2aab3662';
  const beganMs = Date.now();
  let sequenceNumber = 0;
  const numbered = (message: object): object => ({
    sequenceNumber: sequenceNumber++,
    ...message,
    extra_headers: extraHeaders,
  });
  const start = {
    callId,
    streamId,
    accountId: '1',
    tracks: ['inbound', 'outbound'],
    mediaFormat: { encoding: 'audio/x-l16', sampleRate: 16_000 },
  };
  const nonce = `${randomInt(1e12)}`;
  const signature = authToken && createHmac('sha256', authToken).update(`${url}.${nonce}`).digest('base64');
  return playMediaStream(
    url,
    {
      before: [numbered({ event: 'start', start })],
      media: ({ track, chunk, timestampMs, payload }) =>
        numbered({
          event: 'media',
          streamId,
          media: { track, timestamp: `${beganMs + timestampMs}`, chunk, payload },
        }),
      dtmf: (digit) => numbered({ event: 'dtmf', streamId, dtmf: { track: 'inbound', digit } }),
      stop: { event: 'stop', streamId },
    },
    played,
    signature ? { headers: { 'X-Plivo-Signature-V3': signature, 'X-Plivo-Signature-V3-Nonce': nonce } } : {},
  );
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playPlivo(url, { callId: 'c1' }, paced(path, 640));
}
