/**
 * Plays one call of a capture as a media server would: leg a's RTP packets to one address, leg b's to another, each leg from a port of
 * its own, as they are and at the pace at which they were captured.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { AppError, systemCode } from '../core/errors.ts';
import type { Leg } from '../core/leg.ts';
import { CaptureReader } from '../ingest/capture/capture-reader.ts';
import { CaptureClock } from '../ingest/capture-clock.ts';
import type { PlannedCall, PlannedStream } from '../ingest/plan.ts';
import { PlanIndex } from '../ingest/plan-index.ts';
import { RtpPacket } from '../media/rtp-packet.ts';

export type RtpTarget = { readonly host: string; readonly port: number };

export type SendOptions = {
  readonly capture: string;
  readonly call: PlannedCall;
  /** Leg b's may be leg a's: both then go to one port. */
  readonly targets: Readonly<Record<Leg, RtpTarget>>;
  /** Times real time; infinite: as fast as it goes. */
  readonly speed: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytes: number, total: number) => void;
};

/** Sleeping less than this is not worth it: packets that are due together go together. */
const SHORTEST_WAIT_MS = 2;

/** @returns packets sent per leg. @throws AppError what the capture can't be read for; TARGET_UNREACHABLE */
export const sendRtp = async (options: SendOptions): Promise<Record<Leg, number>> => {
  const { capture, call, targets, speed, clock, signal, onProgress } = options;
  const sockets: Record<Leg, Socket> = { a: await connect(targets.a), b: await connect(targets.b) };
  const sent: Record<Leg, number> = { a: 0, b: 0 };
  const index = new PlanIndex({ calls: [call] });
  const times = new CaptureClock<PlannedStream>();
  const packet = new RtpPacket();
  const startedUs = clock.now();
  let firstUs: number | undefined;
  try {
    for await (const batch of new CaptureReader(capture, onProgress === undefined ? {} : { onProgress }).batches()) {
      for (const datagram of batch) {
        if (datagram.protocol !== 'udp' || !packet.parse(datagram.payload)) continue;
        const planned = index.find(datagram, packet.ssrc);
        if (planned === undefined) continue;
        const atUs = times.at(planned.stream, datagram.atUs);
        firstUs ??= atUs;
        const waitMs = (startedUs + (atUs - firstUs) / speed - clock.now()) / 1000;
        if (waitMs > SHORTEST_WAIT_MS) await clock.sleep(waitMs, signal);
        signal?.throwIfAborted();
        await send(sockets[planned.stream.leg], datagram.payload, targets[planned.stream.leg]);
        sent[planned.stream.leg]++;
      }
    }
    return sent;
  } finally {
    sockets.a.close();
    sockets.b.close();
  }
};

/** Connected, so that a port where nobody listens is told. */
const connect = async (target: RtpTarget): Promise<Socket> => {
  const socket = createSocket(isIPv6(target.host) ? 'udp6' : 'udp4');
  try {
    socket.connect(target.port, target.host);
    await once(socket, 'connect');
    return socket;
  } catch (cause) {
    socket.close();
    throw unreachable(target, cause);
  }
};

const send = (socket: Socket, payload: Uint8Array, target: RtpTarget): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(unreachable(target, cause));
    socket.once('error', fail);
    socket.send(payload, (error) => {
      socket.off('error', fail);
      if (error === null) resolve();
      else fail(error);
    });
  });

const unreachable = ({ host, port }: RtpTarget, cause: unknown): AppError =>
  new AppError(
    'TARGET_UNREACHABLE',
    `can't send to ${host}:${port} (${systemCode(cause) ?? 'unknown'}): does anything listen there?`,
    { cause },
  );
