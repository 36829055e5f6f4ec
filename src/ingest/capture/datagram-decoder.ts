/**
 * Takes UDP (RFC 768) and TCP (RFC 9293) out of captured packets, and counts what was left out and why. Pure. Payloads are views:
 * nothing is copied. Checksums are not looked at: captures of outgoing traffic have them before the network card fills them in.
 */
import type { Datagram } from '../datagram.ts';
import { AddressBook } from './address-book.ts';
import { FragmentTally } from './fragment-tally.ts';
import { IpPacket } from './ip-packet.ts';
import { ipStart, NOT_IP, UNKNOWN_LINK } from './link-layer.ts';

const TCP = 6;
const UDP = 17;
const UDP_HEADER_BYTES = 8;
const TCP_HEADER_BYTES = 20;
const TCP_SYN = 0x02;

export class DatagramDecoder {
  readonly #addresses = new AddressBook();
  readonly #fragments = new FragmentTally();
  readonly #ip = new IpPacket();
  /** Packets by link types that are not known. */
  readonly #unknownLinks = new Map<number, number>();
  #batch: Datagram[] = [];
  #datagrams = 0;
  #cut = 0;
  #malformed = 0;

  /** Datagrams found so far. */
  get datagrams(): number {
    return this.#datagrams;
  }

  /** Packets of which the capture kept too little: datagrams marked `cut`, and those cut inside their headers. */
  get cut(): number {
    return this.#cut;
  }

  /** What was found since the last call. */
  takeBatch(): readonly Datagram[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  /** A PacketSink. */
  decode(bytes: Buffer, start: number, end: number, atUs: number, linkType: number, cut: boolean): void {
    const at = ipStart(linkType, bytes, start, end);
    if (at === UNKNOWN_LINK) this.#unknownLinks.set(linkType, (this.#unknownLinks.get(linkType) ?? 0) + 1);
    if (at === UNKNOWN_LINK || at === NOT_IP) return;
    const ip = this.#ip;
    if (!ip.parse(bytes, at, end)) this.#leaveOut(cut);
    else if (ip.protocol !== UDP && ip.protocol !== TCP) return;
    else if (ip.fragment) this.#tally(bytes);
    else if (ip.protocol === UDP) this.#takeUdp(bytes, atUs, cut);
    else this.#takeTcp(bytes, atUs, cut);
  }

  /** One line for each kind of packet that was left out. */
  get warnings(): string[] {
    const lines: string[] = [];
    if (this.#fragments.warning) lines.push(this.#fragments.warning);
    for (const [linkType, packets] of this.#unknownLinks) {
      lines.push(`packets skipped because link type ${linkType} is not known: ${packets}`);
    }
    if (this.#malformed > 0) {
      lines.push(`packets skipped because their IP, UDP or TCP header contradicts itself: ${this.#malformed}`);
    }
    return lines;
  }

  /**
   *     source port 2 | target port 2 | length 2 | checksum 2        The length counts this header. A length of 0 would mean
   *     a jumbogram (RFC 2675), which no capture holds whole: it counts as malformed.
   */
  #takeUdp(bytes: Buffer, atUs: number, cut: boolean): void {
    const { bodyStart, bodyEnd, bodyCut } = this.#ip;
    const room = bodyEnd - bodyStart;
    if (room < UDP_HEADER_BYTES) {
      this.#leaveOut(cut || bodyCut);
      return;
    }
    const length = bytes.readUInt16BE(bodyStart + 4);
    if (length < UDP_HEADER_BYTES) {
      this.#leaveOut(false);
      return;
    }
    const promisedEnd = bodyStart + length;
    const payload = bytes.subarray(bodyStart + UDP_HEADER_BYTES, Math.min(promisedEnd, bodyEnd));
    this.#add('udp', bytes, atUs, payload, promisedEnd > bodyEnd, 0, false);
  }

  /** Segments with neither payload nor SYN say nothing about the bytes sent, and are passed over. */
  #takeTcp(bytes: Buffer, atUs: number, cut: boolean): void {
    const { bodyStart, bodyEnd, bodyCut } = this.#ip;
    const room = bodyEnd - bodyStart;
    const headerBytes = room < TCP_HEADER_BYTES ? TCP_HEADER_BYTES : (bytes[bodyStart + 12]! >> 4) * 4;
    if (headerBytes < TCP_HEADER_BYTES || headerBytes > room) {
      this.#leaveOut(headerBytes > room && (cut || bodyCut));
      return;
    }
    const payload = bytes.subarray(bodyStart + headerBytes, bodyEnd);
    const syn = (bytes[bodyStart + 13]! & TCP_SYN) !== 0;
    if (payload.length === 0 && !syn && !bodyCut) return;
    // A SYN takes one sequence number of its own, before the first byte.
    const sequence = (bytes.readUInt32BE(bodyStart + 4) + (syn ? 1 : 0)) >>> 0;
    this.#add('tcp', bytes, atUs, payload, bodyCut, sequence, syn);
  }

  #add(
    protocol: 'udp' | 'tcp',
    bytes: Buffer,
    atUs: number,
    payload: Buffer,
    cut: boolean,
    tcpSequence: number,
    tcpSyn: boolean,
  ): void {
    const { bodyStart, sourceAt, targetAt } = this.#ip;
    this.#datagrams++;
    if (cut) this.#cut++;
    this.#batch.push({
      protocol,
      atUs,
      source: this.#address(bytes, sourceAt),
      sourcePort: bytes.readUInt16BE(bodyStart),
      target: this.#address(bytes, targetAt),
      targetPort: bytes.readUInt16BE(bodyStart + 2),
      payload,
      cut,
      tcpSequence,
      tcpSyn,
    });
  }

  #tally(bytes: Buffer): void {
    const { sourceAt, targetAt, bodyStart, bodyEnd, firstFragment, fragmentId } = this.#ip;
    const hasPorts = firstFragment && bodyStart + 4 <= bodyEnd;
    const ports = hasPorts ? ([bytes.readUInt16BE(bodyStart), bytes.readUInt16BE(bodyStart + 2)] as const) : undefined;
    this.#fragments.add(this.#address(bytes, sourceAt), this.#address(bytes, targetAt), fragmentId, ports);
  }

  #address(bytes: Buffer, at: number): string {
    return this.#ip.version === 4 ? this.#addresses.v4(bytes, at) : this.#addresses.v6(bytes, at);
  }

  #leaveOut(cut: boolean): void {
    if (cut) this.#cut++;
    else this.#malformed++;
  }
}
