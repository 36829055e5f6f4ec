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
  /** Where the payload lies in the buffer that was parsed: `[payloadStart, payloadEnd)`. */
  payloadStart = 0;
  payloadEnd = 0;

  /**
   * Takes the fields of the packet in `data`; the object is reused, so that the hot path allocates nothing.
   * @returns false when the bytes are no RTP packet: too short, another version, RTCP, or lengths that reach past the end.
   */
  parse(data: Uint8Array): boolean {
    const length = data.length;
    if (length < 12) return false;
    const first = data[0]!;
    if (first >> 6 !== 2) return false;
    const second = data[1]!;
    // RFC 5761 §4: packet types 192–223 are RTCP when both share a port; payload types 64–95 are therefore never RTP.
    if (second >= 192 && second <= 223) return false;
    let start = 12 + 4 * (first & 0x0f);
    if (first & 0x10) {
      if (start + 4 > length) return false;
      start += 4 + 4 * ((data[start + 2]! << 8) | data[start + 3]!);
    }
    let end = length;
    if (first & 0x20) {
      const padding = data[length - 1]!;
      if (padding === 0) return false;
      end -= padding;
    }
    if (start > end) return false;
    this.marker = second >= 0x80;
    this.payloadType = second & 0x7f;
    this.sequence = (data[2]! << 8) | data[3]!;
    this.timestamp = ((data[4]! << 24) | (data[5]! << 16) | (data[6]! << 8) | data[7]!) >>> 0;
    this.ssrc = ((data[8]! << 24) | (data[9]! << 16) | (data[10]! << 8) | data[11]!) >>> 0;
    this.payloadStart = start;
    this.payloadEnd = end;
    return true;
  }
}

/** Whether the datagram is RTCP (RFC 3550 §6.1, demultiplexed as RFC 5761 §4 says). */
export const isRtcp = (data: Uint8Array): boolean =>
  data.length >= 8 && data[0]! >> 6 === 2 && data[1]! >= 192 && data[1]! <= 223;
