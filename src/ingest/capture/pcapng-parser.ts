/**
 * Reads pcapng (draft-ietf-opsawg-pcapng) as its bytes come in: sections of either byte order, several interfaces with clocks
 * of their own, Enhanced, Simple and the obsolete Packet Block. Other blocks are skipped unread. Pure; never looks inside a packet.
 *
 *     block: type 4 | total length 4 | body, padded to 4 | total length again 4
 */
import {
  type CaptureEnding,
  type CaptureParser,
  MAX_PACKET_BYTES,
  type PacketSink,
  readU16,
  readU32,
} from './capture-parser.ts';
import { InterfaceClock } from './pcapng-time.ts';
import { RecordSplitter, STOP } from './record-splitter.ts';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/** The shortest whole block of each type that is read. */
const LEAST_BYTES: ReadonlyMap<number, number> = new Map([
  [SECTION_HEADER, 28],
  [INTERFACE_DESCRIPTION, 20],
  [OBSOLETE_PACKET, 32],
  [SIMPLE_PACKET, 16],
  [ENHANCED_PACKET, 32],
]);

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const BLOCK_FRAME_BYTES = 12;
/** Room for a packet of the greatest length with its options. */
const MAX_READ_BLOCK_BYTES = MAX_PACKET_BYTES + (1 << 17);
/** Blocks that are skipped, such as name lists or key logs, may be longer than packets; beyond this it is damage. */
const MAX_SKIPPED_BLOCK_BYTES = 1 << 24;
const MAX_INTERFACES = 1 << 16;

const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

type Interface = { readonly linkType: number; readonly snaplen: number; readonly clock: InterfaceClock };

export class PcapngParser implements CaptureParser {
  readonly #sink: PacketSink;
  readonly #splitter: RecordSplitter;
  #bigEndian = false;
  #interfaces: Interface[] = [];
  #opened = false;
  #packets = 0;
  #untimed = 0;
  #lastUs = 0;
  #damage = '';

  private constructor(sink: PacketSink) {
    this.#sink = sink;
    this.#splitter = new RecordSplitter({
      measure: (bytes, start, end) => this.#measure(bytes, start, end),
      take: (bytes, start, end) => this.#take(bytes, start, end),
    });
  }

  /** @param head the file's first four bytes; they must be pushed as well. */
  static for(head: Buffer, sink: PacketSink): PcapngParser | undefined {
    return head.readUInt32BE(0) === SECTION_HEADER ? new PcapngParser(sink) : undefined;
  }

  get opened(): boolean {
    return this.#opened;
  }

  get packets(): number {
    return this.#packets;
  }

  get untimed(): number {
    return this.#untimed;
  }

  get ending(): CaptureEnding {
    const { stopped, unfinished, position } = this.#splitter;
    if (stopped) return { kind: 'damaged', atByte: position, what: this.#damage };
    return unfinished ? { kind: 'cut', atByte: position } : { kind: 'whole' };
  }

  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  #measure(bytes: Buffer, start: number, end: number): number {
    if (end - start < BLOCK_FRAME_BYTES) return BLOCK_FRAME_BYTES;
    // The section header's type reads the same in both byte orders; the magic behind its length tells which one holds.
    if (bytes.readUInt32BE(start) === SECTION_HEADER) {
      const magic = bytes.readUInt32BE(start + 8);
      if (magic !== BYTE_ORDER_MAGIC && bytes.readUInt32LE(start + 8) !== BYTE_ORDER_MAGIC) {
        return this.#stop('a section without its byte-order magic');
      }
      this.#bigEndian = magic === BYTE_ORDER_MAGIC;
    }
    const type = readU32(bytes, start, this.#bigEndian);
    const length = readU32(bytes, start + 4, this.#bigEndian);
    const least = LEAST_BYTES.get(type);
    const most = least === undefined ? MAX_SKIPPED_BLOCK_BYTES : MAX_READ_BLOCK_BYTES;
    if (length % 4 !== 0 || length < (least ?? BLOCK_FRAME_BYTES) || length > most) {
      return this.#stop(`a block of ${length} bytes`);
    }
    return least === undefined ? BLOCK_FRAME_BYTES : length;
  }

  #take(bytes: Buffer, start: number, end: number): number {
    const type = readU32(bytes, start, this.#bigEndian);
    const length = readU32(bytes, start + 4, this.#bigEndian);
    if (!LEAST_BYTES.has(type)) return length - BLOCK_FRAME_BYTES;
    if (readU32(bytes, end - 4, this.#bigEndian) !== length) return this.#stop('a block whose two lengths differ');
    switch (type) {
      case SECTION_HEADER:
        return this.#openSection(bytes, start);
      case INTERFACE_DESCRIPTION:
        return this.#addInterface(bytes, start, end);
      case SIMPLE_PACKET:
        return this.#takeSimple(bytes, start, end);
      case OBSOLETE_PACKET:
        return this.#takePacket(readU16(bytes, start + 8, this.#bigEndian), bytes, start, end);
      default:
        return this.#takePacket(readU32(bytes, start + 8, this.#bigEndian), bytes, start, end);
    }
  }

  #openSection(bytes: Buffer, start: number): number {
    const major = readU16(bytes, start + 12, this.#bigEndian);
    if (major !== 1) return this.#stop(`version ${major} of pcapng, where only 1 is known`);
    this.#interfaces = [];
    this.#opened = true;
    return 0;
  }

  #addInterface(bytes: Buffer, start: number, end: number): number {
    if (this.#interfaces.length === MAX_INTERFACES) return this.#stop(`more than ${MAX_INTERFACES} interfaces`);
    let resolution: number | undefined;
    let offsetSeconds: number | undefined;
    // Options: code 2 | length 2 | value, padded to 4.
    for (let at = start + 16; at + 8 <= end; ) {
      const code = readU16(bytes, at, this.#bigEndian);
      const length = readU16(bytes, at + 2, this.#bigEndian);
      const value = at + 4;
      if (code === 0 || value + length > end - 4) break;
      if (code === OPTION_TSRESOL && length === 1) resolution = bytes[value];
      if (code === OPTION_TSOFFSET && length === 8) {
        offsetSeconds = Number(this.#bigEndian ? bytes.readBigInt64BE(value) : bytes.readBigInt64LE(value));
      }
      at = value + length + (-length & 3);
    }
    this.#interfaces.push({
      linkType: readU16(bytes, start + 8, this.#bigEndian),
      snaplen: readU32(bytes, start + 12, this.#bigEndian),
      clock: new InterfaceClock(resolution, offsetSeconds),
    });
    return 0;
  }

  /** Enhanced and obsolete blocks differ in how wide the interface's number is, and agree from the time on. */
  #takePacket(interfaceId: number, bytes: Buffer, start: number, end: number): number {
    const from = this.#interfaces[interfaceId];
    if (!from) return this.#stop(`a packet of interface ${interfaceId}, which is not described`);
    const captured = readU32(bytes, start + 20, this.#bigEndian);
    const wireBytes = readU32(bytes, start + 24, this.#bigEndian);
    const packet = start + 28;
    if (captured > end - 4 - packet) return this.#stop(`a packet of ${captured} bytes in a block of ${end - start}`);
    const high = readU32(bytes, start + 12, this.#bigEndian);
    this.#lastUs = from.clock.toUs(high, readU32(bytes, start + 16, this.#bigEndian));
    this.#packets++;
    this.#sink(bytes, packet, packet + captured, this.#lastUs, from.linkType, wireBytes > captured);
    return 0;
  }

  /** A Simple Packet Block has no time, belongs to interface 0 and was cut to its snap length without saying so. */
  #takeSimple(bytes: Buffer, start: number, end: number): number {
    const from = this.#interfaces[0];
    if (!from) return this.#stop('a packet before any interface was described');
    const wireBytes = readU32(bytes, start + 8, this.#bigEndian);
    const captured = from.snaplen > 0 ? Math.min(wireBytes, from.snaplen) : wireBytes;
    const packet = start + 12;
    if (captured > end - 4 - packet) return this.#stop(`a packet of ${captured} bytes in a block of ${end - start}`);
    this.#untimed++;
    this.#packets++;
    this.#sink(bytes, packet, packet + captured, this.#lastUs, from.linkType, wireBytes > captured);
    return 0;
  }

  #stop(what: string): number {
    this.#damage = what;
    return STOP;
  }
}
