/** An endpoint on a free pair of loopback ports, what its sink got, and senders. Bounded: nothing leaves the machine. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import { PayloadCodecs } from '../../../src/ingest/rtp/payload-codecs.ts';
import { RtpEndpoint, type RtpSink } from '../../../src/ingest/rtp/rtp-endpoint.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';

/** Below the ports that systems hand out by themselves. */
const FIRST_PORT = 20_000;
const PAIRS = 5000;
const MOST_TRIES = 50;

export type Got = {
  readonly sequence: number;
  readonly ssrc: number;
  readonly payloadType: number;
  readonly payload: string;
  readonly codec: WireCodec | undefined;
  readonly atUs: number;
};

/** Notes every packet, and zeroes it as a call does. */
export class NotingSink implements RtpSink {
  readonly got: Got[] = [];
  readonly faults: unknown[] = [];

  readonly packet: RtpSink['packet'] = (packet, codec, bytes, atUs) => {
    const { sequence, ssrc, payloadType, payloadStart, payloadEnd } = packet;
    const payload = Buffer.from(bytes.subarray(payloadStart, payloadEnd)).toString('hex');
    this.got.push({ sequence, ssrc, payloadType, payload, codec, atUs });
    bytes.fill(0, payloadStart, payloadEnd);
  };

  readonly fault = (error: unknown): void => void this.faults.push(error);
}

/** Moves 1 µs with each look at it. */
export class CountingClock implements Clock {
  nowUs = 1e15;
  readonly now = (): number => this.nowUs++;
  readonly sleep = async (): Promise<void> => undefined;
}

/** An even port whose pair seems free; another program may still be faster. */
export const somePort = (): number => FIRST_PORT + 2 * Math.floor(Math.random() * PAIRS);

/** Closed after the test. */
export const openEndpoint = async (
  options: { sink?: RtpSink; host?: string; payloads?: PayloadCodecs; clock?: Clock; receiveBufferBytes?: number } = {},
): Promise<RtpEndpoint> => {
  const { sink = new NotingSink(), host = '127.0.0.1', payloads = PayloadCodecs.of() } = options;
  const { clock = systemClock, receiveBufferBytes = 1 << 18 } = options;
  for (let tries = 1; ; tries++) {
    try {
      const receiver = new DgramReceiver(clock);
      const endpoint = await RtpEndpoint.bind({
        receiver,
        host,
        port: somePort(),
        payloads,
        clock,
        receiveBufferBytes,
        sink,
      });
      onTestFinished(() => endpoint.close());
      return endpoint;
    } catch (error) {
      if (tries === MOST_TRIES || !(error instanceof Error && 'code' in error && error.code === 'PORT_TAKEN'))
        throw error;
    }
  }
};

/** A party with a port of its own. What it has sent lies in the receiver's buffer, in order, once `send` resolves. */
export class Sender {
  readonly #socket: Socket;
  readonly #host: string;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
  }

  static async open(host = '127.0.0.1'): Promise<Sender> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    return new Sender(socket, host);
  }

  async send(port: number, ...datagrams: readonly Uint8Array[]): Promise<void> {
    for (const data of datagrams) {
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(data, port, this.#host, (error) => (error === null ? resolve() : reject(error)));
      });
    }
  }
}

/** 20 ms of G.711 whose bytes tell its number. */
export const voice = (sequence: number, other: { ssrc?: number; payloadType?: number } = {}): Buffer =>
  rtpPacket({
    payloadType: other.payloadType ?? 0,
    sequence,
    timestamp: sequence * 160,
    ssrc: other.ssrc ?? 0x1234,
    payload: Buffer.alloc(160, sequence & 0xff),
  });

export const voices = (first: number, count: number, other: { ssrc?: number; payloadType?: number } = {}): Buffer[] =>
  Array.from({ length: count }, (_, index) => voice(first + index, other));

export const total = ({ counts }: RtpEndpoint): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
