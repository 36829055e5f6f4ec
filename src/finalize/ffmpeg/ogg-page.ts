/** One Ogg page around one whole packet (RFC 3533 §6). Pure. */

const HEAD_BYTES = 27;
const LONGEST_LACING = 255;
/** Bits of the header type that are used. */
export const OGG_FIRST_PAGE = 0x02;

/** CRC-32 with polynomial 0x04c11db7, not reflected, start 0: Ogg's own. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  return crc;
});

const crc32 = (data: Uint8Array): number => {
  let crc = 0;
  for (const byte of data) crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ byte) & 0xff]!;
  return crc >>> 0;
};

/**
 * @param packet at most 64 KiB less a little
 * @param granule samples up to the packet's end
 */
export const oggPage = (packet: Uint8Array, sequence: number, granule: number, type = 0): Uint8Array => {
  // A packet ends with the first lacing value below 255, even if that is 0.
  const segments = Math.floor(packet.length / LONGEST_LACING) + 1;
  if (segments > 255) throw new RangeError(`a packet of ${packet.length} bytes needs more than a page`);
  const page = Buffer.alloc(HEAD_BYTES + segments + packet.length);
  page.write('OggS', 0, 'latin1');
  page[5] = type;
  page.writeBigUInt64LE(BigInt(granule), 6);
  page.writeUInt32LE(1, 14); // The stream's serial number: there is one stream.
  page.writeUInt32LE(sequence, 18);
  page[26] = segments;
  page.fill(LONGEST_LACING, HEAD_BYTES, HEAD_BYTES + segments - 1);
  page[HEAD_BYTES + segments - 1] = packet.length % LONGEST_LACING;
  page.set(packet, HEAD_BYTES + segments);
  page.writeUInt32LE(crc32(page), 22);
  return page;
};
