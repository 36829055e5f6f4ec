/**
 * Makes capture files and packets in memory, lengths and checksums right: pcap and pcapng (draft-ietf-opsawg-pcap, -pcapng),
 * UDP (RFC 768) and TCP (RFC 9293) over IPv4 and IPv6 over the link layers captures come with. Pure: touches no disk.
 */
import ipaddr from 'ipaddr.js';

export type CapturedPacket = {
  /** Microseconds since the Unix epoch; a fraction is kept where the file's resolution can hold it. */
  readonly atUs: number;
  readonly data: Buffer;
  /** Length on the wire when the capture kept less. Default: all of `data`. */
  readonly originalLength?: number;
};

export type Link = 'ethernet' | 'vlan' | 'qinq' | 'raw' | 'null' | 'loop' | 'sll' | 'sll2';

/** The link type number a capture file needs for packets made with that `link`. */
export const LINK_TYPES = {
  ethernet: 1,
  vlan: 1,
  qinq: 1,
  raw: 101,
  null: 0,
  loop: 108,
  sll: 113,
  sll2: 276,
} as const satisfies Record<Link, number>;

const u8 = (...values: number[]): Buffer => Buffer.from(values);

const u16 = (value: number, bigEndian = true): Buffer => {
  const bytes = Buffer.alloc(2);
  if (bigEndian) bytes.writeUInt16BE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
};

const u32 = (value: number, bigEndian = true): Buffer => {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
};

const nanoseconds = (atUs: number): bigint => {
  const seconds = Math.floor(atUs / 1e6);
  return BigInt(seconds) * 1_000_000_000n + BigInt(Math.round((atUs - seconds * 1e6) * 1000));
};

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type PcapOptions = {
  /** Default 1, Ethernet. */
  readonly linkType?: number;
  readonly nanosecond?: boolean;
  readonly bigEndian?: boolean;
  /** Default 262144. Only written in the header: packets are not cut to it. */
  readonly snaplen?: number;
  /** The 24-byte record heads of magic 0xa1b2cd34. */
  readonly modified?: boolean;
};

export const pcapFile = (packets: readonly CapturedPacket[], options: PcapOptions = {}): Buffer => {
  const { linkType = 1, nanosecond = false, bigEndian = false, snaplen = 262_144, modified = false } = options;
  const word = (value: number): Buffer => u32(value, bigEndian);
  const half = (value: number): Buffer => u16(value, bigEndian);
  const magic = modified ? 0xa1b2cd34 : nanosecond ? 0xa1b23c4d : 0xa1b2c3d4;
  const parts = [word(magic), half(2), half(4), word(0), word(0), word(snaplen), word(linkType)];
  for (const { atUs, data, originalLength = data.length } of packets) {
    const ns = nanoseconds(atUs);
    const fraction = Number(ns % 1_000_000_000n);
    parts.push(word(Number(ns / 1_000_000_000n)), word(nanosecond ? fraction : Math.floor(fraction / 1000)));
    parts.push(word(data.length), word(originalLength));
    if (modified) parts.push(word(1), half(0x0800), u8(0, 0));
    parts.push(data);
  }
  return Buffer.concat(parts);
};

export type PcapngPacket = CapturedPacket & {
  /** Index into `interfaces`. Default 0. */
  readonly interfaceId?: number;
  /** Enhanced (default), Simple (keeps no time and only interface 0), or the obsolete Packet Block. */
  readonly block?: 'epb' | 'spb' | 'pb';
};

export type PcapngInterface = {
  /** Default 1, Ethernet. */
  readonly linkType?: number;
  /** Default 0: no limit. */
  readonly snaplen?: number;
  /** The option's raw byte: 6 is µs, 9 is ns; with the high bit set, a power of two. Default: no option, which means µs. */
  readonly tsresol?: number;
  /** Seconds to be added to every time stamp. Default: no option. */
  readonly tsoffset?: number;
};

export type PcapngOptions = {
  readonly bigEndian?: boolean;
  /** Default: one Ethernet interface. */
  readonly interfaces?: readonly PcapngInterface[];
  /** Whole blocks of any kind to put between the interfaces and the packets: see `pcapngBlock`. */
  readonly extraBlocks?: readonly Buffer[];
};

/** One block around `body`, which is padded to four bytes. */
export const pcapngBlock = (type: number, body: Buffer, bigEndian = false): Buffer => {
  const padding = Buffer.alloc(-body.length & 3);
  const total = u32(12 + body.length + padding.length, bigEndian);
  return Buffer.concat([u32(type, bigEndian), total, body, padding, total]);
};

/** One section. A file of several sections is their concatenation. */
export const pcapngFile = (packets: readonly PcapngPacket[], options: PcapngOptions = {}): Buffer => {
  const { bigEndian = false, interfaces = [{}], extraBlocks = [] } = options;
  const word = (value: number): Buffer => u32(value, bigEndian);
  const half = (value: number): Buffer => u16(value, bigEndian);
  const option = (code: number, value: Buffer): Buffer =>
    Buffer.concat([half(code), half(value.length), value, Buffer.alloc(-value.length & 3)]);
  const unknownLength = Buffer.alloc(8, 0xff);
  const blocks = [
    pcapngBlock(0x0a0d0d0a, Buffer.concat([word(0x1a2b3c4d), half(1), half(0), unknownLength]), bigEndian),
  ];
  for (const { linkType = 1, snaplen = 0, tsresol, tsoffset } of interfaces) {
    const body = [half(linkType), half(0), word(snaplen)];
    if (tsresol !== undefined) body.push(option(9, u8(tsresol)));
    if (tsoffset !== undefined) {
      const seconds = Buffer.alloc(8);
      if (bigEndian) seconds.writeBigInt64BE(BigInt(tsoffset));
      else seconds.writeBigInt64LE(BigInt(tsoffset));
      body.push(option(14, seconds));
    }
    if (tsresol !== undefined || tsoffset !== undefined) body.push(option(0, u8()));
    blocks.push(pcapngBlock(1, Buffer.concat(body), bigEndian));
  }
  blocks.push(...extraBlocks);
  for (const { atUs, data, originalLength = data.length, interfaceId = 0, block = 'epb' } of packets) {
    if (block === 'spb') {
      blocks.push(pcapngBlock(3, Buffer.concat([word(originalLength), data]), bigEndian));
      continue;
    }
    const { tsresol = 6, tsoffset = 0 } = interfaces[interfaceId] ?? {};
    const perSecond = tsresol & 0x80 ? 2n ** BigInt(tsresol & 0x7f) : 10n ** BigInt(tsresol);
    const units = ((nanoseconds(atUs) - BigInt(tsoffset) * 1_000_000_000n) * perSecond) / 1_000_000_000n;
    const time = [word(Number(units >> 32n)), word(Number(units & 0xffffffffn))];
    const lengths = [word(data.length), word(originalLength)];
    const owner = block === 'epb' ? [word(interfaceId)] : [half(interfaceId), half(0)];
    blocks.push(pcapngBlock(block === 'epb' ? 6 : 2, Buffer.concat([...owner, ...time, ...lengths, data]), bigEndian));
  }
  return Buffer.concat(blocks);
};

// ── Packets ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Extension = 'hop-by-hop' | 'destination' | 'routing' | 'ah' | 'fragment';

export type PacketEnds = {
  /** IPv4 or IPv6, both ends of one family. */
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  readonly payload: Buffer;
  /** Default: ethernet. The capture's link type must match: `LINK_TYPES[link]`. */
  readonly link?: Link;
  /** IPv6 extension headers in that order; `fragment` is an atomic one (offset 0, no more to come). */
  readonly extensions?: readonly Extension[];
  /** IPv4 options, a multiple of 4 bytes. */
  readonly ipOptions?: Buffer;
  /** Bytes after the IP packet, such as Ethernet's padding. */
  readonly trailer?: Buffer;
  /**
   * Makes one fragment only: `length` bytes from `offset` (a multiple of 8) of the UDP or TCP packet, its header counted.
   * More fragments follow unless it reaches the end.
   */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly length: number };
};

export const udpPacket = (ends: PacketEnds): Buffer => {
  const length = 8 + ends.payload.length;
  const packet = Buffer.concat([u16(ends.sourcePort), u16(ends.targetPort), u16(length), u16(0), ends.payload]);
  packet.writeUInt16BE(transportChecksum(ends, 17, packet) || 0xffff, 6);
  return ipFrame(ends, 17, packet);
};

export type TcpFields = {
  /** Sequence number of the header. Default 0. */
  readonly sequence?: number;
  readonly syn?: boolean;
  readonly fin?: boolean;
  /** TCP options, a multiple of 4 bytes. */
  readonly tcpOptions?: Buffer;
};

export const tcpPacket = (ends: PacketEnds & TcpFields): Buffer => {
  const { sequence = 0, syn = false, fin = false, tcpOptions = Buffer.alloc(0) } = ends;
  const words = 5 + tcpOptions.length / 4;
  const flags = (fin ? 0x01 : 0) | (syn ? 0x02 : 0x10);
  const head = [u16(ends.sourcePort), u16(ends.targetPort), u32(sequence), u32(0), u8(words << 4, flags)];
  const packet = Buffer.concat([...head, u16(65_535), u16(0), u16(0), tcpOptions, ends.payload]);
  packet.writeUInt16BE(transportChecksum(ends, 6, packet), 16);
  return ipFrame(ends, 6, packet);
};

const addressBytes = (text: string): Buffer => Buffer.from(ipaddr.parse(text).toByteArray());

/** RFC 1071: the ones' complement of the ones' complement sum. */
const checksum = (bytes: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
};

/** Sums the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) and the packet. */
const transportChecksum = ({ source, target }: PacketEnds, protocol: number, packet: Buffer): number =>
  checksum(Buffer.concat([addressBytes(source), addressBytes(target), u32(packet.length), u32(protocol), packet]));

const ipFrame = (ends: PacketEnds, protocol: number, transport: Buffer): Buffer => {
  const v6 = ends.source.includes(':');
  const { fragment, trailer = Buffer.alloc(0) } = ends;
  const part = fragment ? transport.subarray(fragment.offset, fragment.offset + fragment.length) : transport;
  const more = fragment !== undefined && fragment.offset + fragment.length < transport.length;
  const ip = v6 ? ipv6(ends, protocol, part, more) : ipv4(ends, protocol, part, more);
  return Buffer.concat([linkHeader(ends.link ?? 'ethernet', v6), ip, trailer]);
};

const ipv4 = (ends: PacketEnds, protocol: number, body: Buffer, more: boolean): Buffer => {
  const { ipOptions = Buffer.alloc(0), fragment } = ends;
  const length = 20 + ipOptions.length;
  const flags = fragment ? (more ? 0x2000 : 0) | (fragment.offset / 8) : 0x4000;
  const head = [u8(0x40 | (length / 4), 0), u16(length + body.length), u16(fragment?.id ?? 0), u16(flags)];
  const tail = [u8(64, protocol), u16(0), addressBytes(ends.source), addressBytes(ends.target), ipOptions];
  const header = Buffer.concat([...head, ...tail]);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, body]);
};

const EXTENSION_NUMBERS = {
  'hop-by-hop': 0,
  routing: 43,
  fragment: 44,
  ah: 51,
  destination: 60,
} as const satisfies Record<Extension, number>;

const ipv6 = (ends: PacketEnds, protocol: number, body: Buffer, more: boolean): Buffer => {
  const chain: { number: number; rest: Buffer }[] = (ends.extensions ?? []).map((kind) => ({
    number: EXTENSION_NUMBERS[kind],
    rest: extensionRest(kind),
  }));
  if (ends.fragment) {
    const rest = Buffer.concat([u8(0), u16(ends.fragment.offset | (more ? 1 : 0)), u32(ends.fragment.id)]);
    chain.push({ number: EXTENSION_NUMBERS.fragment, rest });
  }
  const extensions = Buffer.concat(
    chain.map(({ rest }, index) => Buffer.concat([u8(chain[index + 1]?.number ?? protocol), rest])),
  );
  const head = [u32(0x60000000), u16(extensions.length + body.length), u8(chain[0]?.number ?? protocol, 64)];
  return Buffer.concat([...head, addressBytes(ends.source), addressBytes(ends.target), extensions, body]);
};

/** An extension header without its first byte, which names the next one. */
const extensionRest = (kind: Extension): Buffer => {
  switch (kind) {
    case 'hop-by-hop':
    case 'destination':
      return u8(1, 1, 12, ...Buffer.alloc(12)); // Sixteen bytes: a PadN option fills them.
    case 'routing':
      return u8(0, 3, 0, 0, 0, 0, 0); // No segments left.
    case 'ah':
      return Buffer.concat([u8(4, 0, 0), u32(1), u32(1), Buffer.alloc(12)]); // Counted in 4 bytes, minus 2 (RFC 4302 §2.2).
    case 'fragment':
      return u8(0, 0, 0, 0, 0, 0, 1);
    default:
      return kind satisfies never;
  }
};

const linkHeader = (link: Link, v6: boolean): Buffer => {
  const etherType = u16(v6 ? 0x86dd : 0x0800);
  const macs = u8(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);
  switch (link) {
    case 'ethernet':
      return Buffer.concat([macs, etherType]);
    case 'vlan':
      return Buffer.concat([macs, u16(0x8100), u16(42), etherType]);
    case 'qinq':
      return Buffer.concat([macs, u16(0x88a8), u16(7), u16(0x8100), u16(42), etherType]);
    case 'raw':
      return u8();
    case 'null':
      return u32(v6 ? 30 : 2, false); // The address family as a little-endian Darwin host writes it.
    case 'loop':
      return u32(v6 ? 24 : 2);
    case 'sll':
      return Buffer.concat([u16(0), u16(1), u16(6), macs.subarray(6), u16(0), etherType]);
    case 'sll2':
      return Buffer.concat([etherType, u16(0), u32(2), u16(1), u8(0, 6), macs.subarray(6), u16(0)]);
    default:
      return link satisfies never;
  }
};
