/** Makes odd inputs of good ones: bytes changed, cut out, doubled, swapped, lengths made huge. Deterministic for a source of randomness. */

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

/** Numbers from 0 up to, not including, 1. */
export type Random = () => number;

const below = (random: Random, count: number): number => Math.floor(random() * count);

/** @param seeds good inputs; one of them, or two spliced, is mutated a few times. */
export const mutated = (seeds: readonly Uint8Array[], random: Random): Uint8Array => {
  let bytes: Uint8Array = Uint8Array.from(seeds[below(random, seeds.length)]!);
  for (let times = 1 + below(random, 8); times > 0; times--) bytes = once(bytes, seeds, random);
  return bytes;
};

const once = (bytes: Uint8Array, seeds: readonly Uint8Array[], random: Random): Uint8Array => {
  const at = below(random, bytes.length + 1);
  const length = below(random, Math.min(64, bytes.length - at + 1));
  switch (below(random, 9)) {
    case 0:
      if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << below(random, 8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = INTERESTING[below(random, INTERESTING.length)]!;
      return bytes;
    case 2:
      bytes.fill(0xff, at, at + Math.min(length, 4));
      return bytes;
    case 3:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    case 4:
      return joined(bytes.subarray(0, at + length), bytes.subarray(at));
    case 5:
      return bytes.slice(0, at);
    case 6:
      return joined(bytes.subarray(0, at), random8(length, random), bytes.subarray(at));
    case 7: {
      const other = seeds[below(random, seeds.length)]!;
      return joined(bytes.subarray(0, at), other.subarray(below(random, other.length + 1)));
    }
    default:
      return random8(below(random, 200), random);
  }
};

const random8 = (length: number, random: Random): Uint8Array => Uint8Array.from({ length }, () => below(random, 256));

const joined = (...pieces: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(pieces));
