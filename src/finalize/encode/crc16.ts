/** CRC-16/ARC (polynomial 0x8005, bits reversed, start 0): what the LAME tag calls music CRC and tag CRC. Pure. */

/** Row r: what a byte does to the sum, r bytes later. */
const TABLE = new Uint16Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  TABLE[byte] = crc;
}
for (let at = 256; at < TABLE.length; at++) {
  const before = TABLE[at - 256]!;
  TABLE[at] = TABLE[before & 0xff]! ^ (before >> 8);
}

/** Continues `crc` over `data`. */
export const crc16 = (data: Uint8Array, crc = 0): number => {
  let sum = crc;
  let at = 0;
  for (; at + 4 <= data.length; at += 4) {
    sum =
      TABLE[0x300 | ((sum ^ data[at]!) & 0xff)]! ^
      TABLE[0x200 | ((sum >> 8) ^ data[at + 1]!)]! ^
      TABLE[0x100 | data[at + 2]!]! ^
      TABLE[data[at + 3]!]!;
  }
  for (; at < data.length; at++) sum = (sum >> 8) ^ TABLE[(sum ^ data[at]!) & 0xff]!;
  return sum;
};
