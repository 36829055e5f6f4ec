/**
 * What Asterisk's chan_websocket says to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 1 - | npx tsx samples/clients/asterisk-websocket.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/asterisk-websocket?token=KEY&record_call=true' -
 */
import { pathToFileURL } from 'node:url';
import { type Closed, isOpen, openSocket } from './client-socket.ts';
import { type Played, paced } from './played.ts';

export type AsteriskOptions = {
  /** As in c(…) of the dial string; what is played is in it already. */
  readonly format: string;
  /** f(json) in the dial string, or Asterisk's own plain text. */
  readonly control: 'json' | 'plain-text';
  /** Of the channel; JSON alone carries them. */
  readonly variables?: Readonly<Record<string, string>>;
};

const CHANNEL_ID = '1795343256.7';

/** @returns how the connection ended, and the other side's texts. */
export const playAsteriskWebsocket = async (
  url: string,
  { format, control, variables = {} }: AsteriskOptions,
  played: AsyncIterable<Played>,
): Promise<Closed & { readonly heard: readonly string[] }> => {
  const { socket, closed } = await openSocket(url, ['media']);
  const heard: string[] = [];
  socket.on('message', (data) => heard.push(String(data)));
  const start = {
    connection_id: 'conn1',
    channel: 'WebSocket/conn1/0x7f96',
    channel_id: CHANNEL_ID,
    format,
    ptime: 20,
  };
  const event = (name: string, fields: object): string =>
    control === 'json'
      ? JSON.stringify({ event: name, ...fields })
      : `${name} ${Object.entries(fields)
          .map((field) => field.join(':'))
          .join(' ')}`;
  socket.send(event('MEDIA_START', control === 'json' ? { ...start, channel_variables: variables } : start));
  for await (const each of played) {
    if (!isOpen(socket)) break;
    if (each instanceof Uint8Array) socket.send(each);
    else socket.send(event('DTMF_END', { digit: each.key, channel_id: CHANNEL_ID }));
  }
  socket.close(1000);
  return { ...(await closed), heard };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playAsteriskWebsocket(url, { format: 'slin16', control: 'json' }, paced(path, 640));
}
