/**
 * Samples as the body of a request, chunked, at the pace at which they are said. Keys have no place here.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 2 - | npx tsx samples/clients/pcm.ts \
 *         'http://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/pcm?call_id=c1&rate=16000&channels=2&record_call=true' KEY -
 */
import { Readable } from 'node:stream';
import { type Played, paced } from './played.ts';
import { isRun } from './tcp-stream.ts';

async function* bodyOf(played: AsyncIterable<Played>): AsyncGenerator<Uint8Array> {
  for await (const each of played) if (each instanceof Uint8Array) yield each;
}

/** @returns the answer: what was taken. */
export const playPcm = async (
  url: string,
  key: string,
  played: AsyncIterable<Played>,
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'X-Auth-Token': key, 'Content-Type': 'application/octet-stream' },
    body: Readable.from(bodyOf(played)) as unknown as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  return { status: answer.status, body: await answer.json() };
};

if (isRun(import.meta.url)) {
  const [url = '', key = '', path = '-'] = process.argv.slice(2);
  await playPcm(url, key, paced(path, 1280));
}
