/**
 * Samples over TCP, behind a line that says whose they are. Keys have no place here.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 8000 -ac 1 - | npx tsx samples/clients/pcm-tcp.ts 127.0.0.1:PORT 'token=KEY&call_id=c1&record_call=true' -
 */
import type { Played } from './played.ts';
import { addressIn, isRun, paced, playTcp, type TcpAddress } from './tcp-stream.ts';

/** @param words as a query. */
export const playPcmTcp = (address: TcpAddress, words: string, played: AsyncIterable<Played>): Promise<Buffer> =>
  playTcp(address, Buffer.from(`${words}\n`), played, (each) =>
    each instanceof Uint8Array ? each : new Uint8Array(0),
  );

if (isRun(import.meta.url)) {
  const [to = '', words = '', path = '-'] = process.argv.slice(2);
  await playPcmTcp(addressIn(to), words, paced(path, 320));
}
