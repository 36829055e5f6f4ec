/**
 * Keeps a flood of half-open or idle connections from locking anybody out: when there are too many, the one that has gone longest
 * without a request from somebody known makes room. A request whose sender is known keeps its connection until it is answered.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';

export class ConnectionLimit {
  readonly #most: number;
  /** Whose sender isn't known, or is idle; oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #known = new Set<Socket>();
  #dropped = 0;
  readonly #grace: { readonly clock: Clock; readonly graceMs: number };
  #closing = false;
  /** Aborts when a server that closes has nobody left to wait for. */
  readonly #ended = new AbortController();

  /** @param grace how long, once the server closes, those have that are being answered */
  constructor(server: Server, most: number, grace: { readonly clock: Clock; readonly graceMs: number }) {
    this.#most = most;
    this.#grace = grace;
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
      if (!this.#known.has(socket)) return;
      this.#forget(socket);
      if (this.#closing) socket.destroy();
      else this.#strangers.add(socket);
    });
  }

  /**
   * Ends all but those with a request of somebody known; those when they are answered, or when nobody has read the answer in time: a
   * server can't close before.
   */
  close(): void {
    this.#closing = true;
    for (const socket of this.#strangers) socket.destroy();
    if (this.#known.size === 0) return;
    const { clock, graceMs } = this.#grace;
    clock.sleep(graceMs, this.#ended.signal).then(
      () => {
        for (const socket of this.#known) socket.destroy();
      },
      () => {},
    );
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
    if (this.#closing && this.#known.size === 0) this.#ended.abort();
  }
}
