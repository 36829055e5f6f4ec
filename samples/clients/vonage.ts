/**
 * What Vonage's WebSocket endpoint says to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 1 - | npx tsx samples/clients/vonage.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/vonage?token=KEY&record_call=true' -
 */
import { pathToFileURL } from 'node:url';
import { type Closed, isOpen, openSocket } from './client-socket.ts';
import { type Played, paced } from './played.ts';

/** `headers` of the NCCO's endpoint. */
export type VonageOptions = { readonly headers?: Readonly<Record<string, unknown>> };

/** Linear, 16 kHz, 20 ms a message. @returns how the connection ended. */
export const playVonage = async (
  url: string,
  { headers = {} }: VonageOptions,
  played: AsyncIterable<Played>,
): Promise<Closed> => {
  const { socket, closed } = await openSocket(url, []);
  const send = (message: object): void => socket.send(JSON.stringify(message));
  send({ event: 'websocket:connected', 'content-type': 'audio/l16;rate=16000', ...headers });
  for await (const each of played) {
    if (!isOpen(socket)) break;
    if (each instanceof Uint8Array) socket.send(each);
    else send({ event: 'websocket:dtmf', digit: each.key, duration: 260 });
  }
  socket.close(1000);
  return closed;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playVonage(url, {}, paced(path, 640));
}
