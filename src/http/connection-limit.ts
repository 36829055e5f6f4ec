/**
 * Keeps a flood of half-open or idle connections from locking anybody out: when there are too many, the one that has gone longest
 * without a request from somebody known makes room. A request whose sender is known keeps its connection until it is answered.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class ConnectionLimit {
  readonly #most: number;
  /** Whose sender isn't known, or is idle; oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #known = new Set<Socket>();
  #dropped = 0;
  #closing = false;

  constructor(server: Server, most: number) {
    this.#most = most;
    server.on('connection', (socket) => this.#take(socket));
  }

  /** Connections cut off to make room, or refused because all others were of use. */
  get dropped(): number {
    return this.#dropped;
  }

  get open(): number {
    return this.#strangers.size + this.#known.size;
  }

  /** Protects the connection until what is going on there is answered. */
  vouch(socket: Socket, answer: { once(event: 'close', listener: () => void): unknown }): void {
    if (!this.#strangers.delete(socket)) return;
    this.#known.add(socket);
    answer.once('close', () => {
      // Gone from the known ones also means that it was closed.
      if (!this.#known.delete(socket)) return;
      if (this.#closing) socket.destroy();
      else this.#strangers.add(socket);
    });
  }

  /** Ends all but those with a request of somebody known, and those when they are answered: a server can't close before. */
  close(): void {
    this.#closing = true;
    for (const socket of this.#strangers) socket.destroy();
  }

  #take(socket: Socket): void {
    if (this.#closing) {
      socket.destroy();
      return;
    }
    if (this.open >= this.#most) {
      const [oldest = socket] = this.#strangers;
      this.#dropped += 1;
      this.#forget(oldest);
      oldest.destroy();
      if (oldest === socket) return;
    }
    this.#strangers.add(socket);
    socket.once('close', () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    this.#strangers.delete(socket);
    this.#known.delete(socket);
  }
}
