/**
 * Finds the IP packet behind a link-layer header (tcpdump.org/linktypes.html): Ethernet with any stack of VLAN tags
 * (IEEE 802.1Q), Linux cooked v1 and v2, BSD NULL and LOOP, and none at all. Pure.
 */

/** The packet is whole and of another protocol than IP, or too short to tell. */
export const NOT_IP = -1;
/** Nothing is known about packets of this link type. */
export const UNKNOWN_LINK = -2;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;

const readBe16 = (bytes: Buffer, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** Where the IP header begins in `bytes[start, end)`, or NOT_IP or UNKNOWN_LINK. */
export const ipStart = (linkType: number, bytes: Buffer, start: number, end: number): number => {
  switch (linkType) {
    case 1: // ETHERNET: two addresses of 6 bytes, then the type.
      return behindEtherType(bytes, start + 12, start + 14, end);
    case 113: // LINUX_SLL: the type is the last thing of 16 bytes.
      return behindEtherType(bytes, start + 14, start + 16, end);
    case 276: // LINUX_SLL2: the type is the first thing of 20 bytes.
      return behindEtherType(bytes, start, start + 20, end);
    case 0: // NULL: the address family in the byte order of whoever captured.
    case 108: // LOOP: the same, big-endian.
      return behindFamily(bytes, start, end);
    case 12: // RAW as some systems number it,
    case 14: // as others do,
    case 101: // and as the registry does.
    case 228: // IPV4
    case 229: // IPV6
      return start;
    default:
      return UNKNOWN_LINK;
  }
};

const behindEtherType = (bytes: Buffer, typeAt: number, bodyAt: number, end: number): number => {
  if (bodyAt > end) return NOT_IP;
  let type = readBe16(bytes, typeAt);
  let at = bodyAt;
  // A tag is 2 bytes of priority and VLAN number, then the next type: 802.1Q, 802.1ad, and QinQ from before that.
  while (type === 0x8100 || type === 0x88a8 || type === 0x9100) {
    if (at + 4 > end) return NOT_IP;
    type = readBe16(bytes, at + 2);
    at += 4;
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? at : NOT_IP;
};

const behindFamily = (bytes: Buffer, start: number, end: number): number => {
  if (start + 4 > end) return NOT_IP;
  const big = bytes.readUInt32BE(start);
  const family = big < 0x100 ? big : bytes.readUInt32LE(start);
  switch (family) {
    case 2: // AF_INET, everywhere.
    case 10: // AF_INET6 on Linux,
    case 24: // NetBSD and OpenBSD,
    case 28: // FreeBSD,
    case 30: // Darwin.
      return start + 4;
    default:
      return NOT_IP;
  }
};
