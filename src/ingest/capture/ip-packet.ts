/**
 * Reads one IPv4 (RFC 791) or IPv6 (RFC 8200) header in place, extension headers skipped. Pure: no copy; every length is checked
 * before it is used. Fragments are recognised, never put together.
 */

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

export class IpPacket {
  version: 4 | 6 = 4;
  /** What the body is: 6 TCP, 17 UDP, … */
  protocol = 0;
  /** Where the addresses lie: 4 bytes each in IPv4, 16 in IPv6. */
  sourceAt = 0;
  targetAt = 0;
  /** `[bodyStart, bodyEnd)`: behind all headers, and without what the link layer padded. */
  bodyStart = 0;
  bodyEnd = 0;
  /** The header promises more body than is there. */
  bodyCut = false;
  /** One part of a packet that came in several. */
  fragment = false;
  /** Which packet the fragment is of, and whether the body begins with the UDP or TCP header. */
  fragmentId = 0;
  firstFragment = false;

  /**
   * Takes the fields of the packet in `bytes[start, end)`; the object is reused, so that the hot path allocates nothing.
   * @returns false when the headers aren't all there or contradict themselves.
   */
  parse(bytes: Buffer, start: number, end: number): boolean {
    this.fragment = false;
    if (start >= end) return false;
    const version = bytes[start]! >> 4;
    if (version === 4) return this.#parseV4(bytes, start, end);
    if (version === 6) return this.#parseV6(bytes, start, end);
    return false;
  }

  #parseV4(bytes: Buffer, start: number, end: number): boolean {
    if (start + 20 > end) return false;
    const headerBytes = (bytes[start]! & 0x0f) * 4;
    const totalBytes = bytes.readUInt16BE(start + 2);
    if (headerBytes < 20 || start + headerBytes > end) return false;
    this.version = 4;
    this.protocol = bytes[start + 9]!;
    this.sourceAt = start + 12;
    this.targetAt = start + 16;
    this.bodyStart = start + headerBytes;
    // Zero: captured before the network card filled the length in (segmentation offload).
    if (totalBytes === 0) this.#endsAt(end, end);
    else if (totalBytes < headerBytes) return false;
    else this.#endsAt(start + totalBytes, end);
    const fragmentation = bytes.readUInt16BE(start + 6);
    // More fragments follow, or this one isn't the first.
    if (fragmentation & 0x3fff) this.#isFragment(bytes.readUInt16BE(start + 4), (fragmentation & 0x1fff) === 0);
    return true;
  }

  #parseV6(bytes: Buffer, start: number, end: number): boolean {
    if (start + 40 > end) return false;
    const payloadBytes = bytes.readUInt16BE(start + 4);
    this.version = 6;
    this.protocol = bytes[start + 6]!;
    this.sourceAt = start + 8;
    this.targetAt = start + 24;
    this.bodyStart = start + 40;
    // Zero as in IPv4; a jumbogram (RFC 2675) has it as well and is longer than anything we read.
    this.#endsAt(payloadBytes === 0 ? end : this.bodyStart + payloadBytes, end);
    return this.#skipExtensions(bytes);
  }

  /** Moves the body's start behind the extension headers: each names the next one, and is at least 8 bytes long. */
  #skipExtensions(bytes: Buffer): boolean {
    for (;;) {
      const at = this.bodyStart;
      let length: number;
      switch (this.protocol) {
        case HOP_BY_HOP:
        case ROUTING:
        case DESTINATION_OPTIONS:
          if (at + 8 > this.bodyEnd) return false;
          length = 8 + 8 * bytes[at + 1]!;
          break;
        case AUTHENTICATION: // Counted in 4 bytes and without the first two of them (RFC 4302 §2.2).
          if (at + 8 > this.bodyEnd) return false;
          length = 8 + 4 * bytes[at + 1]!;
          break;
        case FRAGMENT: {
          if (at + 8 > this.bodyEnd) return false;
          length = 8;
          const fragmentation = bytes.readUInt16BE(at + 2);
          // Offset 0 and nothing to follow is a whole packet (an atomic fragment, RFC 6946).
          if (fragmentation & 0xfff9) this.#isFragment(bytes.readUInt32BE(at + 4), (fragmentation & 0xfff8) === 0);
          break;
        }
        default:
          return true;
      }
      if (at + length > this.bodyEnd) return false;
      this.protocol = bytes[at]!;
      this.bodyStart = at + length;
      if (this.fragment && !this.firstFragment) return true;
    }
  }

  #endsAt(bodyEnd: number, captureEnd: number): void {
    this.bodyCut = bodyEnd > captureEnd;
    this.bodyEnd = Math.min(bodyEnd, captureEnd);
  }

  #isFragment(id: number, first: boolean): void {
    this.fragment = true;
    this.fragmentId = id;
    this.firstFragment = first;
  }
}
