/**
 * Opens a leg's pair of sockets: on a port of the pool, with the codecs that the announcement or an SDP offer names. A port that
 * another program holds is passed over. Every port goes back to the pool once, whatever goes wrong.
 */
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import type { CallAnnouncement } from '../../http/service.ts';
import type { PortPool } from '../../ingest/rtp/port-pool.ts';
import type { RtpEndpoint, RtpSink } from '../../ingest/rtp/rtp-endpoint.ts';
import { type Endpoint, LegSocket, readLegMedia } from './leg-socket.ts';

/** `RtpEndpoint.bind`, or what stands for it in a test. */
export type BindEndpoint = (options: Omit<Parameters<typeof RtpEndpoint.bind>[0], 'receiver'>) => Promise<Endpoint>;

/** So many ports held by others are passed over before it is called a lack of ports. */
const MOST_TRIES = 16;

export class LegSockets {
  readonly #bind: BindEndpoint;
  readonly #ports: PortPool;
  readonly #clock: Clock;
  readonly #rtpHost: string;
  readonly #bindHost: string;
  readonly #receiveBufferBytes: number;

  constructor(options: {
    bind: BindEndpoint;
    ports: PortPool;
    clock: Clock;
    /** The address that media servers are told. */
    rtpHost: string;
    /** The address that is bound. */
    bindHost: string;
    receiveBufferBytes: number;
  }) {
    this.#bind = options.bind;
    this.#ports = options.ports;
    this.#clock = options.clock;
    this.#rtpHost = options.rtpHost;
    this.#bindHost = options.bindHost;
    this.#receiveBufferBytes = options.receiveBufferBytes;
  }

  /** @throws PORTS_USED_UP, SDP_INVALID, FIELDS_INVALID, or what binding failed with */
  async open(leg: Leg, media: CallAnnouncement['media'], sink: RtpSink): Promise<LegSocket> {
    const passedOver: number[] = [];
    try {
      while (passedOver.length < MOST_TRIES) {
        const port = this.#ports.take(this.#nowMs);
        try {
          return await this.#openAt(port, leg, media, sink);
        } catch (error) {
          passedOver.push(port);
          if (!(error instanceof AppError && error.code === 'PORT_TAKEN')) throw error;
        }
      }
      throw new AppError('PORTS_USED_UP', `${MOST_TRIES} ports of the range are held by other programs`);
    } finally {
      for (const port of passedOver) this.#ports.give(port, this.#nowMs);
    }
  }

  async #openAt(port: number, leg: Leg, media: CallAnnouncement['media'], sink: RtpSink): Promise<LegSocket> {
    const address = { leg, host: this.#rtpHost, port, sessionId: Math.floor(this.#clock.now()) };
    const read = readLegMedia(address, media);
    const endpoint = await this.#bind({
      host: this.#bindHost,
      port,
      payloads: read.payloads,
      clock: this.#clock,
      receiveBufferBytes: this.#receiveBufferBytes,
      sink,
    });
    return new LegSocket(address, endpoint, read, () => this.#ports.give(port, this.#nowMs));
  }

  get #nowMs(): number {
    return this.#clock.now() / 1000;
  }
}
