/** A TCP connection that is written to at the pace of whoever speaks. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { type Played, paced } from './played.ts';

export type TcpAddress = { readonly host: string; readonly port: number };

/** Writes what `encode` makes of each frame and key. @returns the bytes that came back, when both ends have closed */
export const playTcp = async (
  address: TcpAddress,
  head: Uint8Array,
  played: AsyncIterable<Played>,
  encode: (each: Played) => Uint8Array,
  last: Uint8Array = new Uint8Array(0),
): Promise<Buffer> => {
  const socket = connect(address);
  await once(socket, 'connect');
  const heard: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', (chunk: Buffer) => heard.push(chunk));
  // The close that follows says it.
  socket.on('error', () => {});
  socket.write(head);
  for await (const each of played) {
    if (!socket.writable) break;
    await write(socket, encode(each));
  }
  if (socket.writable) socket.end(last);
  await closed;
  return Buffer.concat(heard);
};

const write = async (socket: Socket, bytes: Uint8Array): Promise<void> => {
  if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
};

/** `HOST:PORT` on the command line. */
export const addressIn = (text: string): TcpAddress => {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
};

/** Whether the file is the program that runs. */
export const isRun = (url: string): boolean => url === pathToFileURL(process.argv[1] ?? '').href;

export { paced };
