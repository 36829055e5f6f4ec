/**
 * What Telnyx' media streaming says to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f alaw -ar 8000 -ac 1 - | npx tsx samples/clients/telnyx.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/telnyx?token=KEY&record_call=true' -
 */
import { pathToFileURL } from 'node:url';
import type { Closed } from './client-socket.ts';
import { playMediaStream, type TrackPlayed } from './media-streams.ts';
import { paced } from './played.ts';

export type TelnyxOptions = {
  readonly callControlId: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly mediaFormat?: object;
  /** `stream_auth_token`. */
  readonly streamingToken?: string;
};

/** @returns how the connection ended. */
export const playTelnyx = (
  url: string,
  { callControlId, parameters = {}, mediaFormat, streamingToken }: TelnyxOptions,
  played: AsyncIterable<TrackPlayed>,
): Promise<Closed> => {
  const stream_id = '32DE0DEA-53CB-4B21-89A4-9E1819C043BC';
  let sequence = 0;
  const numbered = (message: object): object => ({ ...message, sequence_number: `${++sequence}`, stream_id });
  const start = {
    user_id: '3E6F995F-85F7-4705-9741-53B116D28237',
    call_control_id: callControlId,
    from: '+13122010094',
    to: '+13122123456',
    custom_parameters: parameters,
    media_format: mediaFormat ?? { encoding: 'PCMA', sample_rate: 8000, channels: 1 },
  };
  return playMediaStream(
    url,
    {
      before: [{ event: 'connected', version: '1.0.0' }, numbered({ event: 'start', start })],
      media: ({ track, chunk, timestampMs, payload }) =>
        numbered({ event: 'media', media: { track, chunk: `${chunk}`, timestamp: `${timestampMs}`, payload } }),
      dtmf: (digit) => numbered({ event: 'dtmf', occurred_at: new Date().toISOString(), dtmf: { digit } }),
      stop: { event: 'stop', stream_id, stop: { user_id: start.user_id, call_control_id: callControlId } },
    },
    played,
    streamingToken === undefined ? {} : { headers: { 'x-telnyx-streaming-auth-token': streamingToken } },
  );
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playTelnyx(url, { callControlId: 'v2:example' }, paced(path, 160));
}
