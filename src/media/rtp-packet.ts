/**
 * Reads one RTP packet in place (RFC 3550 §5.1). Pure: no copy, no clock, no I/O; every length is checked before it is used.
 *
 *      0                   1                   2                   3
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                  CSRC × CC  |  extension when X               |
 */
export class RtpPacket {
  marker = false;
  payloadType = 0;
  sequence = 0;
  timestamp = 0;
  ssrc = 0;
  /** Where the payload lies in the buffer that was given: `[payloadStart, payloadEnd)`. */
  payloadStart = 0;
  payloadEnd = 0;

  /**
   * Takes the fields of the packet in `data[from, to)`; the object is reused, so that the hot path allocates nothing.
   * @returns false when the bytes are no RTP packet: too short, another version, RTCP, or lengths that reach past the end.
   */
  parse(data: Uint8Array, from = 0, to = data.length): boolean {
    if (to - from < 12) return false;
    const first = data[from]!;
    if (first >> 6 !== 2) return false;
    const second = data[from + 1]!;
    // RFC 5761 §4: packet types 192–223 are RTCP when both share a port; payload types 64–95 are therefore never RTP.
    if (second >= 192 && second <= 223) return false;
    let start = from + 12 + 4 * (first & 0x0f);
    if (first & 0x10) {
      if (start + 4 > to) return false;
      start += 4 + 4 * ((data[start + 2]! << 8) | data[start + 3]!);
    }
    let end = to;
    if (first & 0x20) {
      const padding = data[to - 1]!;
      if (padding === 0) return false;
      end -= padding;
    }
    if (start > end) return false;
    this.marker = second >= 0x80;
    this.payloadType = second & 0x7f;
    this.sequence = (data[from + 2]! << 8) | data[from + 3]!;
    this.timestamp =
      ((data[from + 4]! << 24) | (data[from + 5]! << 16) | (data[from + 6]! << 8) | data[from + 7]!) >>> 0;
    this.ssrc = ((data[from + 8]! << 24) | (data[from + 9]! << 16) | (data[from + 10]! << 8) | data[from + 11]!) >>> 0;
    this.payloadStart = start;
    this.payloadEnd = end;
    return true;
  }
}

/** Whether the datagram is RTCP (RFC 3550 §6.1, demultiplexed as RFC 5761 §4 says). */
export const isRtcp = (data: Uint8Array, from = 0, to = data.length): boolean =>
  to - from >= 8 && data[from]! >> 6 === 2 && data[from + 1]! >= 192 && data[from + 1]! <= 223;
