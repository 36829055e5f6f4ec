/**
 * Whom a leg listens to. Senders behind NAT are known only by what arrives ("symmetric RTP", RFC 4961 §4), and anyone can send to an open
 * port: so the first source that is believed becomes the leg's, by address and port, and every other one is refused. A source is believed
 * with its second packet, of the same SSRC and a number close to the first one's (RFC 3550 appendix A.1); the first waits here until then, so
 * that nothing is lost and noise never reaches a call. What SSRCs the leg's own source uses does not matter.
 *
 * Pure: no sockets, no clock. Says nothing of the payload: SRTP has RTP's own header, and its payload can't be told from audio.
 */
import type { RtpPacket } from '../../media/rtp-packet.ts';

/** A packet that waited, copied; it belongs to who gets it. */
export type FirstPacket = { readonly bytes: Buffer; readonly atUs: number };

type Candidate = FirstPacket & {
  readonly address: string;
  readonly port: number;
  readonly ssrc: number;
  readonly sequence: number;
};

/** More sources than these at once push out the one that has waited longest. */
const MOST_CANDIDATES = 4;
/** A source that pauses for longer begins anew. */
const LONGEST_WAIT_US = 1_000_000;
/** How far from the first packet's number the second one's may be: some lost, or out of order. */
const NEAR = 16;
/** A jumbo frame; no sender puts more into a packet. */
const LONGEST_PACKET = 9000;
/** After a relatch, a source that still sends so much later has not moved. */
const SETTLED_US = 10_000_000;

export class SourceLatch {
  /** Packets of others, and first packets that no second one followed. */
  refused = 0;
  #address = '';
  /** 0: nobody's yet. */
  #port = 0;
  #reopenedUs: number | undefined;
  #candidates: Candidate[] = [];

  /** Whether a new source could become the leg's. */
  get isOpen(): boolean {
    return this.#port === 0 || this.#reopenedUs !== undefined;
  }

  /** Whether a packet comes from the leg's source. @param atUs its arrival */
  isSource(address: string, port: number, atUs: number): boolean {
    if (port !== this.#port || address !== this.#address) return false;
    if (this.#reopenedUs !== undefined && atUs - this.#reopenedUs >= SETTLED_US) this.#shut();
    return true;
  }

  /**
   * Takes a packet of a source that is not the leg's, of a payload type that is known.
   * @param bytes the datagram that `packet` was read from.
   * @returns the first packet of the source, when this one made it the leg's; undefined: refused, or copied and waiting.
   */
  consider(packet: RtpPacket, bytes: Uint8Array, address: string, port: number, atUs: number): FirstPacket | undefined {
    const isPlausible = packet.payloadStart < packet.payloadEnd && bytes.length <= LONGEST_PACKET && port !== 0;
    if (!this.isOpen || !isPlausible) {
      this.refused++;
      return undefined;
    }
    const waiting = this.#candidates.find((each) => each.address === address && each.port === port);
    if (waiting !== undefined && follows(waiting, packet, atUs)) {
      this.#candidates.splice(this.#candidates.indexOf(waiting), 1);
      this.#shut();
      this.#address = address;
      this.#port = port;
      return waiting;
    }
    const leaving = waiting ?? (this.#candidates.length < MOST_CANDIDATES ? undefined : this.#candidates[0]);
    if (leaving !== undefined) this.#refuse(leaving);
    const { ssrc, sequence } = packet;
    this.#candidates.push({ bytes: Buffer.from(bytes), atUs, address, port, ssrc, sequence });
    return undefined;
  }

  /**
   * The leg was announced anew, so its media may come from elsewhere: the next source that is believed replaces the present one, which is
   * listened to until then. Ends with that, or once the present one still sends after 10 s.
   */
  relatch(atUs: number): void {
    if (this.#port !== 0) this.#reopenedUs = atUs;
  }

  /** Refuses and forgets what waits. */
  clear(): void {
    for (const candidate of [...this.#candidates]) this.#refuse(candidate);
  }

  #shut(): void {
    this.#reopenedUs = undefined;
    this.clear();
  }

  #refuse(candidate: Candidate): void {
    candidate.bytes.fill(0);
    this.#candidates.splice(this.#candidates.indexOf(candidate), 1);
    this.refused++;
  }
}

const follows = (first: Candidate, packet: RtpPacket, atUs: number): boolean => {
  const distance = Math.abs(((packet.sequence - first.sequence) << 16) >> 16);
  return packet.ssrc === first.ssrc && distance > 0 && distance <= NEAR && atUs - first.atUs <= LONGEST_WAIT_US;
};
