/**
 * The media server of the live trial: every leg's packets, 20 ms apart, evenly spread over these 20 ms. What is late is sent at once,
 * and how late it was is told, so that the sender's faults are not taken for the service's. Packets are made beforehand.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createHistogram } from 'node:perf_hooks';
import { rtpPacket } from '../../support/rtp-stream.ts';
import { FRAME_MS, FRAME_SAMPLES } from '../voice.ts';
import { FRAMES_PER_SECOND, framesOf } from './leg-tone.ts';

/** By leg: 2 × call, and one more for leg b. */
export type LoadJob = { readonly ports: readonly number[]; readonly seconds: number };

export type LoadResult = {
  readonly sent: number;
  /** The operating system took no more. */
  readonly unsent: number;
  /** ms after their time that packets were sent. */
  readonly late: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly cpuSeconds: number;
};

const HOST = '127.0.0.1';
const WAKE_MS = 1;
const LATENESS_UNIT_PER_MS = 1000;

export class Load {
  readonly #job: LoadJob;
  readonly #sockets: Socket[] = [];
  /** A second of each leg. */
  readonly #packets: readonly (readonly Buffer[])[];
  #unsent = 0;

  constructor(job: LoadJob) {
    this.#job = job;
    this.#packets = job.ports.map((_, leg) =>
      framesOf(leg).map((payload) =>
        rtpPacket({ payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0x1000 + leg, payload }),
      ),
    );
  }

  /** A source port for each leg, as a media server has. */
  async open(): Promise<void> {
    for (const port of this.#job.ports) {
      const socket = createSocket('udp4');
      this.#sockets.push(socket);
      socket.on('error', () => this.#unsent++);
      socket.connect(port, HOST);
      await once(socket, 'connect');
    }
  }

  async run(): Promise<LoadResult> {
    const legs = this.#sockets.length;
    const total = legs * this.#job.seconds * FRAMES_PER_SECOND;
    const msPerPacket = FRAME_MS / legs;
    const late = createHistogram();
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    let next = 0;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        const nowMs = performance.now() - startedAt;
        for (; next < total && next * msPerPacket <= nowMs; next++) {
          late.record(Math.max(1, Math.round((nowMs - next * msPerPacket) * LATENESS_UNIT_PER_MS)));
          this.#send(next % legs, Math.floor(next / legs));
        }
        if (next < total) setTimeout(wake, WAKE_MS);
        else resolve();
      };
      wake();
    });
    const { user, system } = process.cpuUsage(cpuBefore);
    const ms = (value: number): number => value / LATENESS_UNIT_PER_MS;
    return {
      sent: total - this.#unsent,
      unsent: this.#unsent,
      late: { p50: ms(late.percentile(50)), p99: ms(late.percentile(99)), max: ms(late.max) },
      cpuSeconds: (user + system) / 1e6,
    };
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #send(leg: number, frame: number): void {
    const packet = this.#packets[leg][frame % FRAMES_PER_SECOND];
    packet.writeUInt16BE(frame & 0xffff, 2);
    packet.writeUInt32BE((frame * FRAME_SAMPLES) >>> 0, 4);
    this.#sockets[leg].send(packet);
  }
}
