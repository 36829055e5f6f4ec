/**
 * Copies a frame's bytes into its record and sums them up in the same go (CRC-32 of IEEE 802.3, eight bytes at a time after Kounavis and
 * Berry, 2005). Nothing is allocated: a view for each frame, as `subarray` makes it, is garbage by the hundred thousand a second. Pure.
 */

/** Row r: what a byte does to the remainder, r bytes later. */
const ROWS = 8;
const TABLE = new Int32Array(ROWS * 256);
for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  TABLE[byte] = rest;
}
for (let at = 256; at < TABLE.length; at++) {
  const before = TABLE[at - 256]!;
  TABLE[at] = TABLE[before & 0xff]! ^ (before >>> 8);
}

/** What a sum begins with. */
export const EMPTY_SUM = -1;

/** Ends a sum. @returns the CRC, 32 bits, signed */
export const sumOf = (sum: number): number => ~sum;

/** Goes on with `sum` over `bytes[start, end)`, and copies them to `into[at…]`. The two must not overlap, and both must be so long. */
export const copySummed = (
  bytes: DataView,
  start: number,
  end: number,
  into: DataView,
  at: number,
  sum: number,
): number => {
  let rest = sum;
  let from = start;
  let to = at;
  for (; from + 8 <= end; from += 8, to += 8) {
    const low = bytes.getInt32(from, true);
    const high = bytes.getInt32(from + 4, true);
    into.setInt32(to, low, true);
    into.setInt32(to + 4, high, true);
    rest = eight(rest ^ low, high);
  }
  for (; from < end; from++, to++) {
    const byte = bytes.getUint8(from);
    into.setUint8(to, byte);
    rest = TABLE[(rest ^ byte) & 0xff]! ^ (rest >>> 8);
  }
  return rest;
};

/** Copies `bytes[start, end)` to `into[at…]`, which must be so long. */
export const copyBytes = (bytes: Uint8Array, start: number, end: number, into: DataView, at: number): void =>
  copyMemory(memoryOf(bytes), bytes.byteOffset + start, bytes.byteOffset + end, into, at);

/** Copies `memory[start, end)` to `into[at…]`. The two must not overlap, and both must be so long. */
export const copyMemory = (memory: DataView, start: number, end: number, into: DataView, at: number): void => {
  let from = start;
  let to = at;
  for (; from + 8 <= end; from += 8, to += 8) {
    into.setInt32(to, memory.getInt32(from, true), true);
    into.setInt32(to + 4, memory.getInt32(from + 4, true), true);
  }
  for (; from < end; from++, to++) into.setUint8(to, memory.getUint8(from));
};

/** Goes on with `sum` over `bytes[start, end)`. */
export const summed = (bytes: DataView, start: number, end: number, sum: number): number => {
  let rest = sum;
  let at = start;
  for (; at + 8 <= end; at += 8) rest = eight(rest ^ bytes.getInt32(at, true), bytes.getInt32(at + 4, true));
  for (; at < end; at++) rest = TABLE[(rest ^ bytes.getUint8(at)) & 0xff]! ^ (rest >>> 8);
  return rest;
};

const eight = (low: number, high: number): number =>
  TABLE[0x700 | (low & 0xff)]! ^
  TABLE[0x600 | ((low >>> 8) & 0xff)]! ^
  TABLE[0x500 | ((low >>> 16) & 0xff)]! ^
  TABLE[0x400 | (low >>> 24)]! ^
  TABLE[0x300 | (high & 0xff)]! ^
  TABLE[0x200 | ((high >>> 8) & 0xff)]! ^
  TABLE[0x100 | ((high >>> 16) & 0xff)]! ^
  TABLE[high >>> 24]!;

/** Just the memory that `bytes` covers. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

let viewed: DataView = new DataView(new ArrayBuffer(0));
let viewedBefore = viewed;

/** All of the memory that `bytes` lies in, from its `byteOffset` on. Made anew only for memory that is neither of the last two. */
export const memoryOf = (bytes: Uint8Array): DataView => {
  const { buffer } = bytes;
  if (viewed.buffer === buffer) return viewed;
  const other = viewedBefore.buffer === buffer ? viewedBefore : new DataView(buffer);
  viewedBefore = viewed;
  viewed = other;
  return other;
};
