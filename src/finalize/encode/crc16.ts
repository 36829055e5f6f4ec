/** CRC-16/ARC (polynomial 0x8005, bits reversed, start 0): what the LAME tag calls music CRC and tag CRC. Pure. */

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** Continues `crc` over `data`. */
export const crc16 = (data: Uint8Array, crc = 0): number => {
  let sum = crc;
  for (let at = 0; at < data.length; at++) sum = (sum >> 8) ^ TABLE[(sum ^ data[at]!) & 0xff]!;
  return sum;
};
