/**
 * What FreeSWITCH's mod_audio_fork, and so jambonz' verb listen, says to record-call, in a few lines.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 2 - | npx tsx samples/clients/audio-fork.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/audio-fork?token=KEY&record_call=true' -
 */
import { pathToFileURL } from 'node:url';
import { type Closed, isOpen, openSocket } from './client-socket.ts';
import { type Played, paced } from './played.ts';

export type ForkOptions = {
  readonly subprotocol?: 'audio.jambonz.org' | 'audio.drachtio.org';
  /** The first text; a module that was given none sends none. */
  readonly metadata?: object;
};

/** @returns how the connection ended. */
export const playAudioFork = async (
  url: string,
  { subprotocol, metadata }: ForkOptions,
  played: AsyncIterable<Played>,
): Promise<Closed> => {
  const { socket, closed } = await openSocket(url, subprotocol === undefined ? [] : [subprotocol]);
  if (metadata !== undefined) socket.send(JSON.stringify(metadata));
  for await (const each of played) {
    if (!isOpen(socket)) break;
    if (each instanceof Uint8Array) socket.send(each);
    else socket.send(JSON.stringify({ event: 'dtmf', dtmf: each.key, duration: '1600' }));
  }
  // The module waits for the other side to close.
  socket.send(new Uint8Array(0));
  return closed;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playAudioFork(url, { metadata: { sampleRate: 16_000, mixType: 'stereo' } }, paced(path, 1280));
}
