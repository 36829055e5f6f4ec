/**
 * What rtpengine's recording daemon sends to `tcp-send-to`, in a few lines: metadata, a NUL, samples.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 8000 -ac 1 - | npx tsx samples/clients/rtpengine.ts 127.0.0.1:PORT 'token:KEY|call_id:c1|record_call:true' -
 */
import type { Played } from './played.ts';
import { addressIn, isRun, paced, playTcp, type TcpAddress } from './tcp-stream.ts';

/** One SSRC, or a mixed call. @param metadata `key:value|key:value`, as the `start recording` command gave it */
export const playRtpengine = (address: TcpAddress, metadata: string, played: AsyncIterable<Played>): Promise<Buffer> =>
  playTcp(address, Buffer.from(`${metadata}\0`), played, (each) =>
    each instanceof Uint8Array ? each : new Uint8Array(0),
  );

if (isRun(import.meta.url)) {
  const [to = '', metadata = '', path = '-'] = process.argv.slice(2);
  await playRtpengine(addressIn(to), metadata, paced(path, 320));
}
