/**
 * Reads the classic capture format (draft-ietf-opsawg-pcap) as its bytes come in: µs and ns, both byte orders, and the
 * "modified" variant with longer record heads. Pure: no file, no clock; never looks inside a packet.
 *
 *     file:   magic 4 | major 2 | minor 2 | zone 4 | accuracy 4 | snaplen 4 | link type 4      record, record, …
 *     record: seconds 4 | µs or ns 4 | bytes captured 4 | bytes on the wire 4 | (8 more, modified) | the packet
 */
import {
  type CaptureEnding,
  type CaptureParser,
  MAX_PACKET_BYTES,
  type PacketSink,
  readU16,
  readU32,
} from './capture-parser.ts';
import { RecordSplitter, STOP } from './record-splitter.ts';

type Variant = { readonly bigEndian: boolean; readonly unitsPerUs: 1 | 1000; readonly headBytes: 16 | 24 };

const MAGICS: ReadonlyMap<number, Omit<Variant, 'bigEndian'>> = new Map([
  [0xa1b2c3d4, { unitsPerUs: 1, headBytes: 16 }],
  [0xa1b23c4d, { unitsPerUs: 1000, headBytes: 16 }],
  [0xa1b2cd34, { unitsPerUs: 1, headBytes: 24 }],
]);

const FILE_HEADER_BYTES = 24;

/** What the first four bytes say, or undefined when they are no pcap's. */
const variantOf = (head: Buffer): Variant | undefined => {
  for (const bigEndian of [false, true]) {
    const found = MAGICS.get(readU32(head, 0, bigEndian));
    if (found) return { ...found, bigEndian };
  }
  return undefined;
};

export class PcapParser implements CaptureParser {
  readonly untimed = 0;
  readonly #sink: PacketSink;
  readonly #splitter: RecordSplitter;
  readonly #bigEndian: boolean;
  readonly #unitsPerUs: number;
  readonly #headBytes: number;
  #linkType = 0;
  #opened = false;
  #packets = 0;
  #damage = '';

  private constructor(variant: Variant, sink: PacketSink) {
    this.#sink = sink;
    this.#bigEndian = variant.bigEndian;
    this.#unitsPerUs = variant.unitsPerUs;
    this.#headBytes = variant.headBytes;
    this.#splitter = new RecordSplitter({
      measure: (bytes, start, end) => this.#measure(bytes, start, end),
      take: (bytes, start, end) => this.#take(bytes, start, end),
    });
  }

  /** @param head the file's first four bytes; they must be pushed as well. */
  static for(head: Buffer, sink: PacketSink): PcapParser | undefined {
    const variant = variantOf(head);
    return variant && new PcapParser(variant, sink);
  }

  get opened(): boolean {
    return this.#opened;
  }

  get packets(): number {
    return this.#packets;
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
    if (!this.#opened) return FILE_HEADER_BYTES;
    if (end - start < this.#headBytes) return this.#headBytes;
    const captured = readU32(bytes, start + 8, this.#bigEndian);
    if (captured > MAX_PACKET_BYTES) return this.#stop(`a record of ${captured} bytes`);
    // A machine that lost power leaves zeros at the end; no packet has length 0 on the wire.
    if (captured === 0 && readU32(bytes, start + 12, this.#bigEndian) === 0) return this.#stop('a record of no bytes');
    return this.#headBytes + captured;
  }

  #take(bytes: Buffer, start: number, end: number): number {
    if (!this.#opened) return this.#open(bytes, start);
    const seconds = readU32(bytes, start, this.#bigEndian);
    const units = readU32(bytes, start + 4, this.#bigEndian);
    const wireBytes = readU32(bytes, start + 12, this.#bigEndian);
    const packet = start + this.#headBytes;
    this.#packets++;
    this.#sink(bytes, packet, end, seconds * 1e6 + units / this.#unitsPerUs, this.#linkType, wireBytes > end - packet);
    return 0;
  }

  #open(bytes: Buffer, start: number): number {
    const major = readU16(bytes, start + 4, this.#bigEndian);
    if (major !== 2) return this.#stop(`version ${major} of pcap, where only 2 is known`);
    // The upper half tells about frame check sequences; those lie behind the IP packet and are never looked at.
    this.#linkType = readU32(bytes, start + 20, this.#bigEndian) & 0xffff;
    this.#opened = true;
    return 0;
  }

  #stop(what: string): number {
    this.#damage = what;
    return STOP;
  }
}
