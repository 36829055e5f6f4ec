/**
 * What FreeSWITCH's mod_audio_stream says to record-call, in a few lines. Its messages are compressed unless STREAM_MESSAGE_DEFLATE says no.
 *
 *     ffmpeg -loglevel error -i talk.wav -f s16le -ar 16000 -ac 2 - | npx tsx samples/clients/audio-stream.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/audio-stream?token=KEY&record_call=true&mixType=stereo&sampleRate=16000' -
 */
import { pathToFileURL } from 'node:url';
import { type Closed, isOpen, openSocket } from './client-socket.ts';
import { type Played, paced } from './played.ts';

export type StreamOptions = {
  /** The first text, whatever it is. */
  readonly metadata?: string;
  readonly isCompressed?: boolean;
};

/** @returns how the connection ended, and the extensions that were agreed on. */
export const playAudioStream = async (
  url: string,
  { metadata, isCompressed = true }: StreamOptions,
  played: AsyncIterable<Played>,
): Promise<Closed & { readonly extensions: string }> => {
  const { socket, closed } = await openSocket(url, [], { perMessageDeflate: isCompressed ? { threshold: 0 } : false });
  const { extensions } = socket;
  if (metadata !== undefined) socket.send(metadata);
  for await (const each of played) {
    if (!isOpen(socket)) break;
    // The module sends no keys by itself: `uuid_audio_stream <uuid> send_text` does, from the dialplan or a script.
    socket.send(each instanceof Uint8Array ? each : JSON.stringify({ event: 'dtmf', digit: each.key }));
  }
  socket.close(1000);
  return { ...(await closed), extensions };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playAudioStream(url, {}, paced(path, 1280));
}
