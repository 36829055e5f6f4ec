/**
 * Recognises fax over IP, T.38 in UDPTL (ITU-T T.38 §9.1), by the shape of its datagrams. Pure; decodes nothing.
 *
 *     sequence 2 | primary packet: length 1–2, bytes | recovery: 0, count 1, (length, bytes) × count   or   0x80, FEC
 */

/** Whether the bytes are one whole UDPTL datagram. DNS, RTP and noise fail on the lengths, which must add up to the last byte. */
export const isUdptl = (data: Uint8Array): boolean => {
  if (data.length < 5) return false;
  let at = afterField(data, 2);
  if (at <= 2 + 1 || at + 2 > data.length) return false;
  const recovery = data[at]!;
  if (recovery === 0x80) return at + 3 <= data.length;
  if (recovery !== 0) return false;
  let secondaries = data[at + 1]!;
  at += 2;
  for (; secondaries > 0; secondaries--) {
    at = afterField(data, at);
    if (at === 0) return false;
  }
  return at === data.length;
};

/** Index behind the open type field (X.691 §10.9: length in one byte below 128, else in two) at `at`; 0 when it reaches past the end. */
const afterField = (data: Uint8Array, at: number): number => {
  if (at >= data.length) return 0;
  const first = data[at]!;
  if (first < 0x80) return at + 1 + first <= data.length ? at + 1 + first : 0;
  if (first >= 0xc0 || at + 1 >= data.length) return 0;
  const end = at + 2 + (((first & 0x3f) << 8) | data[at + 1]!);
  return end <= data.length ? end : 0;
};
