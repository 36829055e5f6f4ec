/** A WebSocket that is open, and how it will have been closed. */
import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

export type Closed = { readonly code: number; readonly reason: string };

/** @throws where the upgrade is refused, with its status */
export const openSocket = async (
  url: string,
  protocols: readonly string[],
  options: ClientOptions = {},
): Promise<{ readonly socket: WebSocket; readonly closed: Promise<Closed> }> => {
  const socket = new WebSocket(url, [...protocols], options);
  const closed = new Promise<Closed>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await once(socket, 'open');
  // The close that follows says it.
  socket.on('error', () => {});
  return { socket, closed };
};

export const isOpen = (socket: WebSocket): boolean => socket.readyState === WebSocket.OPEN;
