/** What Twilio, SignalWire, Telnyx, Plivo and Exotel have in common: base64 in JSON, a message for each frame of a track. */
import type { ClientOptions } from 'ws';
import { type Closed, isOpen, openSocket } from './client-socket.ts';
import type { Played } from './played.ts';

/** inbound: what the server hears from its party; outbound: what it plays to it. */
export type Track = 'inbound' | 'outbound';
/** Frames without a track are inbound. @param chunk which of its track it is, from 1; unless said, the next */
export type TrackPlayed = Played | { readonly track: Track; readonly bytes: Uint8Array; readonly chunk?: number };

export type StreamWords = {
  readonly before: readonly object[];
  readonly media: (frame: { track: Track; chunk: number; timestampMs: number; payload: string }) => object;
  readonly dtmf: (key: string) => object;
  readonly stop: object;
};

export type PlayOptions = ClientOptions & {
  /** Of a frame, as its timestamps count. */
  readonly frameMs?: number;
};

/** @returns how the connection ended. */
export const playMediaStream = async (
  url: string,
  { before, media, dtmf, stop }: StreamWords,
  played: AsyncIterable<TrackPlayed>,
  { frameMs = 20, ...options }: PlayOptions = {},
): Promise<Closed> => {
  const { socket, closed } = await openSocket(url, [], options);
  const send = (message: object): void => socket.send(JSON.stringify(message));
  const chunks = { inbound: 0, outbound: 0 };
  for (const message of before) send(message);
  for await (const each of played) {
    if (!isOpen(socket)) break;
    if ('key' in each) {
      send(dtmf(each.key));
      continue;
    }
    const {
      track,
      bytes,
      chunk: said = undefined,
    } = 'track' in each ? each : { track: 'inbound' as const, bytes: each };
    const chunk = said ?? ++chunks[track];
    send(media({ track, chunk, timestampMs: (chunk - 1) * frameMs, payload: Buffer.from(bytes).toString('base64') }));
  }
  if (isOpen(socket)) send(stop);
  socket.close(1000);
  return closed;
};
