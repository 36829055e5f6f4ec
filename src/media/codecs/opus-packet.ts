/**
 * How long an Opus packet plays, from its table-of-contents byte and its framing (RFC 6716 §3.1, §3.2). Every rule of §3.4 is
 * checked, so a packet that has a length here is one that a decoder takes. Pure; allocates nothing.
 *
 *     | config, 5 bits | s | c, 2 bits |  frames: c=0 one, c=1 two of one size, c=2 two, c=3 a count byte follows
 */

/** A packet lasts at most 120 ms (R5). */
const LONGEST = 5760;
const LARGEST_FRAME = 1275;

/** Samples at 48 kHz in the whole packet; 0 for a malformed one. */
export function opusPacketSamples(packet: Uint8Array): number {
  const length = packet.length;
  if (length < 1) return 0;
  const toc = packet[0]!;
  const frame = frameSamples(toc >> 3);
  switch (toc & 3) {
    case 0:
      return length - 1 <= LARGEST_FRAME ? frame : 0;
    case 1:
      return (length - 1) % 2 === 0 && (length - 1) / 2 <= LARGEST_FRAME ? 2 * frame : 0;
    case 2: {
      const width = sizeWidth(packet, 1, length);
      if (width === 0) return 0;
      const rest = length - 1 - width - sizeAt(packet, 1, width);
      return rest >= 0 && rest <= LARGEST_FRAME ? 2 * frame : 0;
    }
    default:
      return countedFrames(packet) * frame;
  }
}

/** §3.1 table 2: the length of each frame by configuration, in samples at 48 kHz: SILK, hybrid, CELT. */
export function frameSamples(config: number): number {
  if (config < 12) return (config & 3) === 0 ? 480 : 960 * (config & 3);
  if (config < 16) return 480 << (config & 1);
  return 120 << (config & 3);
}

/** §3.2.5: | v | p | M, 6 bits |, padding lengths if p, frame sizes if v, frames, padding. Returns M, or 0 when they don't fit. */
function countedFrames(packet: Uint8Array): number {
  if (packet.length < 2) return 0;
  const head = packet[1]!;
  const count = head & 0x3f;
  if (count === 0 || count * frameSamples(packet[0]! >> 3) > LONGEST) return 0;
  let at = 2;
  let end = packet.length;
  if (head & 0x40) {
    let more = true;
    while (more) {
      if (at >= end) return 0;
      const padding = packet[at++]!;
      more = padding === 255;
      end -= more ? 254 : padding;
    }
    if (at > end) return 0;
  }
  if (!(head & 0x80)) {
    const size = (end - at) / count;
    return Number.isInteger(size) && size <= LARGEST_FRAME ? count : 0;
  }
  let known = 0;
  for (let i = 1; i < count; i++) {
    const width = sizeWidth(packet, at, end);
    if (width === 0) return 0;
    known += sizeAt(packet, at, width);
    at += width;
  }
  const last = end - at - known;
  return last >= 0 && last <= LARGEST_FRAME ? count : 0;
}

/** §3.2.1: bytes that a frame size takes, 1 or 2; 0 when it is cut off. */
function sizeWidth(packet: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  if (packet[at]! < 252) return 1;
  return at + 1 < end ? 2 : 0;
}

const sizeAt = (packet: Uint8Array, at: number, width: number): number =>
  width === 1 ? packet[at]! : packet[at]! + 4 * packet[at + 1]!;
