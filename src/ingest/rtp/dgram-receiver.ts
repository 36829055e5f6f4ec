/** Takes in UDP through node:dgram, on this thread: what is always there. A datagram's arrival is when the event loop came to it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { grantReceiveBuffer } from './receive-buffer.ts';
import {
  handOn,
  type UdpAddress,
  type UdpCounts,
  type UdpListener,
  type UdpReceiver,
  type UdpSocket,
  unbound,
} from './udp-receiver.ts';

export class DgramReceiver implements UdpReceiver {
  readonly name = 'node:dgram';
  readonly stamps = false;
  readonly #clock: Clock;
  readonly #sockets = new Set<DgramSocket>();
  #received = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get counts(): UdpCounts {
    return { received: this.#received, overflowed: 0, waitingBytes: 0, mostWaitingBytes: 0 };
  }

  async bind(address: UdpAddress, listener: UdpListener): Promise<UdpSocket> {
    const { host, port, receiveBufferBytes } = address;
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.on('message', (bytes: Buffer, source: RemoteInfo) => {
      this.#received++;
      handOn(listener, bytes, 0, bytes.length, source, this.#clock.now());
      bytes.fill(0);
    });
    try {
      socket.bind(port, host);
      await once(socket, 'listening');
    } catch (cause) {
      await closed(socket);
      throw unbound(address, cause);
    }
    socket.on('error', (error) => listener.error(error));
    const bound = new DgramSocket(socket, grantReceiveBuffer(socket, receiveBufferBytes), () =>
      this.#sockets.delete(bound),
    );
    this.#sockets.add(bound);
    return bound;
  }

  /** Twice: what a socket holds when the first turn of the loop begins may take the whole of it. */
  async caughtUp(): Promise<void> {
    await setImmediate();
    await setImmediate();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => socket.close()));
  }
}

class DgramSocket implements UdpSocket {
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: Socket;
  readonly #onClosed: () => void;
  #closing: Promise<void> | undefined;

  constructor(socket: Socket, receiveBufferBytes: number, onClosed: () => void) {
    this.#socket = socket;
    this.#onClosed = onClosed;
    this.port = socket.address().port;
    this.receiveBufferBytes = receiveBufferBytes;
  }

  close(): Promise<void> {
    this.#closing ??= closed(this.#socket).finally(this.#onClosed);
    return this.#closing;
  }
}

const closed = (socket: Socket): Promise<void> => {
  socket.removeAllListeners('message');
  return new Promise((resolve) => socket.close(() => resolve()));
};
