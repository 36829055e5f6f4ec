/**
 * Where one leg's media comes in: reads each datagram as RTP (RFC 3550), tells RTCP apart on either port (RFC 5761 §4), listens to one source
 * (`SourceLatch`) and hands its packets on with their codec. Everything else is counted: STUN, DTLS and noise, other sources, payload types
 * nobody knows. Never sends, and throws nothing once it is bound. SRTP can't be told from RTP here: whoever announces the leg has to know.
 */
import type { Clock } from '../../core/clock.ts';
import { isRtcp, RtpPacket } from '../../media/rtp-packet.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { PayloadCodecs } from './payload-codecs.ts';
import { SocketPair } from './socket-pair.ts';
import { type FirstPacket, SourceLatch } from './source-latch.ts';
import type { UdpReceiver, UdpSource } from './udp-receiver.ts';

export type RtpSink = {
  /**
   * Takes a packet of the leg's source, in the order of arrival. The very first one of a source comes together with its second, with its own
   * time. The payload lies in `bytes` where `packet` says; both are valid until this returns, and used again then.
   * @param codec undefined: a payload type that stands for nothing known.
   * @param atUs when it arrived, as far as the receiver knows (`UdpReceiver.stamps`).
   */
  packet(packet: RtpPacket, codec: WireCodec | undefined, bytes: Uint8Array, atUs: number): void;
  /** Told of a socket's error, and of what `packet` threw: the endpoint goes on. */
  fault?(error: unknown): void;
};

/** Datagrams by what became of them; each counts once. */
export type RtpCounts = {
  /** Handed on, with a codec. */
  received: number;
  refusedSource: number;
  /** Neither RTP nor RTCP, or RTP on the RTCP port. */
  notRtp: number;
  /** From the leg's source these are handed on, without a codec. */
  unknownPayload: number;
  rtcp: number;
};

/** One for all endpoints: a packet is handed on before the next is read. */
const packet = new RtpPacket();

export class RtpEndpoint {
  readonly port: number;
  readonly counts: Readonly<RtpCounts>;
  readonly #counts: RtpCounts = { received: 0, refusedSource: 0, notRtp: 0, unknownPayload: 0, rtcp: 0 };
  readonly #clock: Clock;
  readonly #sink: RtpSink;
  readonly #latch = new SourceLatch();
  #payloads: PayloadCodecs;
  /** Apart from whether there was one, for a number that may also be none is allocated anew each time. */
  #lastPacketUs = Number.NEGATIVE_INFINITY;
  #sockets: SocketPair | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: { port: number; payloads: PayloadCodecs; clock: Clock; sink: RtpSink }) {
    this.port = options.port;
    this.counts = this.#counts;
    this.#payloads = options.payloads;
    this.#clock = options.clock;
    this.#sink = options.sink;
  }

  /**
   * @param options.port for RTP; the next one is RTCP's.
   * @param options.receiveBufferBytes wanted for RTP; the kernel may grant less.
   * @throws PORT_TAKEN, PORTS_USED_UP when the machine has no socket left, CONFIG_INVALID for a host that can't be had
   */
  static async bind(options: {
    readonly receiver: UdpReceiver;
    readonly host: string;
    readonly port: number;
    readonly payloads: PayloadCodecs;
    readonly clock: Clock;
    readonly receiveBufferBytes: number;
    readonly sink: RtpSink;
  }): Promise<RtpEndpoint> {
    const endpoint = new RtpEndpoint(options);
    const error = (fault: Error): void => options.sink.fault?.(fault);
    endpoint.#sockets = await SocketPair.bind(options.receiver, options, {
      rtp: { datagram: (bytes, start, end, source, atUs) => endpoint.#take(bytes, start, end, source, atUs), error },
      rtcp: { datagram: (bytes, start, end) => endpoint.#takeRtcp(bytes, start, end), error },
    });
    return endpoint;
  }

  /** When the leg's source was last heard, µs; undefined before there is one. */
  get lastPacketUs(): number | undefined {
    return this.#lastPacketUs === Number.NEGATIVE_INFINITY ? undefined : this.#lastPacketUs;
  }

  /** What the kernel granted; less than wanted means packets are lost in a long stall of the event loop. */
  get receiveBufferBytes(): number {
    return this.#sockets?.receiveBufferBytes ?? 0;
  }

  /** From the next packet on. A codec that stays as it was stays the same object. */
  setPayloads(payloads: PayloadCodecs): void {
    this.#payloads = payloads.keeping(this.#payloads);
  }

  /** Lets one new source take the place of the present one, which is listened to until then: see `SourceLatch.relatch`. */
  relatch(): void {
    this.#latch.relatch(this.#clock.now());
  }

  /** Resolves when both ports are free. Nothing is handed on from the call on. */
  close(): Promise<void> {
    this.#closing ??= this.#sockets?.close() ?? Promise.resolve();
    this.#latch.clear();
    this.#counts.refusedSource = this.#latch.refused;
    return this.#closing;
  }

  #take(bytes: Uint8Array, start: number, end: number, { address, port }: UdpSource, atUs: number): void {
    if (!packet.parse(bytes, start, end)) {
      this.#takeRtcp(bytes, start, end);
      return;
    }
    const codec = this.#payloads.codecOf(packet.payloadType);
    if (!this.#latch.isSource(address, port, atUs)) {
      if (codec === undefined && this.#latch.isOpen) {
        this.#counts.unknownPayload++;
        return;
      }
      const first = this.#latch.consider(packet, bytes.subarray(start, end), address, port, atUs);
      this.#counts.refusedSource = this.#latch.refused;
      if (first === undefined) return;
      this.#giveFirst(first);
      packet.parse(bytes, start, end);
    }
    this.#give(codec, bytes, atUs);
  }

  #giveFirst({ bytes, atUs }: FirstPacket): void {
    packet.parse(bytes);
    this.#give(this.#payloads.codecOf(packet.payloadType), bytes, atUs);
  }

  #give(codec: WireCodec | undefined, bytes: Uint8Array, atUs: number): void {
    // The sink may have closed the endpoint on a source's first packet.
    if (this.#closing !== undefined) return;
    if (codec === undefined) this.#counts.unknownPayload++;
    else this.#counts.received++;
    this.#lastPacketUs = atUs;
    try {
      this.#sink.packet(packet, codec, bytes, atUs);
    } catch (error) {
      this.#sink.fault?.(error);
    }
  }

  /** On either port, what is no RTP. */
  #takeRtcp(bytes: Uint8Array, start: number, end: number): void {
    if (isRtcp(bytes, start, end)) this.#counts.rtcp++;
    else this.#counts.notRtp++;
  }
}
