/**
 * Plays RTP to real ports over loopback, in real time, from one thread: everything that is due at one instant goes together. What is a
 * little late goes as soon as may be, in order, as a network gives it after a stall; after a long stall of this machine all goes on later,
 * as if the phones had stalled too: no test is about more than it can be quick for.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock } from '../../src/core/clock.ts';

const HOST = '127.0.0.1';
/** So late may packets be that are caught up with: three at once. */
const CATCH_UP_MS = 60;

/** A socket of its own for each leg: who sends from elsewhere is no source of it. */
export const openSender = async (): Promise<Socket> => {
  // Without a look-up of what is an address already, so that packets leave in the order in which they are sent.
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  const listening = once(socket, 'listening');
  socket.bind(0, HOST);
  await listening;
  return socket;
};

export type Due = {
  /** After the start. */
  readonly atMs: number;
  /** Sends, or looks what is to be sent. */
  readonly act: () => void;
};

export const sendTo = (socket: Socket, port: number, data: Uint8Array): void => socket.send(data, port, HOST);

export class LiveSchedule {
  /** µs since the Unix epoch, on the clock that the service has. */
  readonly startedUs = systemClock.now();
  /** How late the latest packet left. */
  worstLateMs = 0;
  /** By how much all that is left goes later than it was to. */
  stalledMs = 0;
  readonly done: Promise<void>;
  #isStopped = false;

  /** Begins at once. */
  constructor(due: Iterable<Due>) {
    this.done = this.#run([...due].sort((left, right) => left.atMs - right.atMs));
  }

  /** How much earlier than it came what came may seem to have been said. */
  get lagMs(): number {
    return this.worstLateMs + this.stalledMs;
  }

  /** How far it is. */
  get nowMs(): number {
    return (systemClock.now() - this.startedUs) / 1000 - this.stalledMs;
  }

  /** Resolves at that instant of the schedule, or as soon after it as may be. */
  async reach(atMs: number): Promise<void> {
    for (let leftMs = atMs - this.nowMs; leftMs > 0; leftMs = atMs - this.nowMs) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(leftMs)));
    }
  }

  /** Sends nothing more. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.done;
  }

  async #run(due: readonly Due[]): Promise<void> {
    for (let next = 0; next < due.length; ) {
      await this.reach(due[next].atMs);
      if (this.#isStopped) return;
      const lateMs = this.nowMs - due[next].atMs;
      if (lateMs > CATCH_UP_MS) this.stalledMs += lateMs;
      else this.worstLateMs = Math.max(this.worstLateMs, lateMs);
      for (const nowMs = this.nowMs; next < due.length && due[next].atMs <= nowMs; next++) due[next].act();
    }
  }
}
