/** Reads fields that keep to no byte boundary, most significant bit first. Pure; allocates nothing. */

/** `count` bits (at most 24) from bit `at`; what lies past the end reads as zero, so check the length first. */
export function bitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let bit = at; bit < at + count; bit++) {
    value = (value << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  }
  return value;
}
