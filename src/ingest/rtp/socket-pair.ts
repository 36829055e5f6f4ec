/** A leg's two UDP sockets: RTP on a port, RTCP on the next (RFC 3550 §11). Reads nothing of what arrives and never sends. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { AppError, systemCode } from '../../core/errors.ts';
import { grantReceiveBuffer } from './receive-buffer.ts';

export type SocketPairListener = {
  /** The bytes are the listener's own. */
  rtp(bytes: Buffer, from: RemoteInfo): void;
  rtcp(bytes: Buffer): void;
  /** Either socket; it goes on receiving. */
  error(error: Error): void;
};

/** No descriptors or kernel memory left for one more socket. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

export class SocketPair {
  /** What the kernel granted for RTP. */
  readonly receiveBufferBytes: number;
  readonly #sockets: readonly Socket[];

  private constructor(sockets: readonly Socket[], receiveBufferBytes: number) {
    this.#sockets = sockets;
    this.receiveBufferBytes = receiveBufferBytes;
  }

  /** @throws PORT_TAKEN, PORTS_USED_UP when the machine has no socket left, CONFIG_INVALID for a host that can't be had */
  static async bind(
    address: { readonly host: string; readonly port: number; readonly receiveBufferBytes: number },
    listener: SocketPairListener,
  ): Promise<SocketPair> {
    const { host, port, receiveBufferBytes } = address;
    const rtp = await listen(host, port, (bytes, from) => listener.rtp(bytes, from), listener);
    try {
      const granted = grantReceiveBuffer(rtp, receiveBufferBytes);
      const rtcp = await listen(host, port + 1, (bytes) => listener.rtcp(bytes), listener);
      return new SocketPair([rtp, rtcp], granted);
    } catch (error) {
      await closed(rtp);
      throw error;
    }
  }

  /** Once only; nothing is heard from then on. */
  async close(): Promise<void> {
    await Promise.all(this.#sockets.map(closed));
  }
}

const listen = async (
  host: string,
  port: number,
  onMessage: (bytes: Buffer, from: RemoteInfo) => void,
  listener: SocketPairListener,
): Promise<Socket> => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('message', onMessage);
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
  } catch (cause) {
    await closed(socket);
    throw unbound(host, port, cause);
  }
  socket.on('error', (error) => listener.error(error));
  return socket;
};

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));

const unbound = (host: string, port: number, cause: unknown): AppError => {
  const code = systemCode(cause) ?? 'unknown';
  const where = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  if (code === 'EADDRINUSE') return new AppError('PORT_TAKEN', `${where} is in use by another program`, { cause });
  if (EXHAUSTED.has(code)) {
    return new AppError('PORTS_USED_UP', `no socket left for ${where} (${code}): raise the limit of open files`, {
      cause,
    });
  }
  return new AppError('CONFIG_INVALID', `can't receive RTP on ${where} (${code})`, { cause });
};
