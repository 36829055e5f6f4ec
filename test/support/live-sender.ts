/**
 * Plays RTP to real ports over loopback, in real time, from one thread: everything that is due at one instant goes together. Late packets
 * go as soon as may be, in order, as a network gives them after a stall.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock } from '../../src/core/clock.ts';

const HOST = '127.0.0.1';

/** A socket of its own for each leg: who sends from elsewhere is no source of it. */
export const openSender = async (): Promise<Socket> => {
  // Without a look-up of what is an address already, so that packets leave in the order in which they are sent.
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  socket.bind(0, HOST);
  await once(socket, 'listening');
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
  readonly done: Promise<void>;
  #isStopped = false;

  /** Begins at once. @param due sorted by time here. */
  constructor(due: Iterable<Due>) {
    const inOrder = [...due].sort((left, right) => left.atMs - right.atMs);
    this.done = this.#run(inOrder);
  }

  get nowMs(): number {
    return (systemClock.now() - this.startedUs) / 1000;
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
      const nowMs = this.nowMs;
      this.worstLateMs = Math.max(this.worstLateMs, nowMs - due[next].atMs);
      for (; next < due.length && due[next].atMs <= nowMs; next++) due[next].act();
    }
  }
}
