/** Turns addresses in packets into text, each text made once: a stream's every packet then shares two strings. */
import ipaddr from 'ipaddr.js';

/** A port scan must not fill the memory: with that many addresses the book starts anew. */
const MAX_ADDRESSES = 1 << 16;

type V6Entry = { readonly words: readonly [number, number, number, number]; readonly text: string };

export class AddressBook {
  readonly #v4 = new Map<number, string>();
  /** By a hash of the address. Of two that share one, the last one seen is kept: the other's text is made again. */
  readonly #v6 = new Map<number, V6Entry>();

  /** Dotted decimal of the four bytes at `at`. */
  v4(bytes: Buffer, at: number): string {
    const key = bytes.readInt32BE(at);
    const known = this.#v4.get(key);
    if (known !== undefined) return known;
    if (this.#v4.size === MAX_ADDRESSES) this.#v4.clear();
    const text = bytes.subarray(at, at + 4).join('.');
    this.#v4.set(key, text);
    return text;
  }

  /** RFC 5952 text of the sixteen bytes at `at`; an IPv4-mapped address keeps its dots (§5). */
  v6(bytes: Buffer, at: number): string {
    const a = bytes.readInt32BE(at);
    const b = bytes.readInt32BE(at + 4);
    const c = bytes.readInt32BE(at + 8);
    const d = bytes.readInt32BE(at + 12);
    const hash = Math.imul(Math.imul(Math.imul(a ^ 0x9e3779b1, 31) ^ b, 31) ^ c, 31) ^ d;
    const known = this.#v6.get(hash);
    if (known) {
      const { words, text } = known;
      if (words[0] === a && words[1] === b && words[2] === c && words[3] === d) return text;
    }
    if (this.#v6.size === MAX_ADDRESSES) this.#v6.clear();
    const text = v6Text(bytes.subarray(at, at + 16));
    this.#v6.set(hash, { words: [a, b, c, d], text });
    return text;
  }
}

const v6Text = (address: Buffer): string => {
  const parsed = new ipaddr.IPv6([...address]);
  return parsed.isIPv4MappedAddress() ? `::ffff:${parsed.toIPv4Address()}` : parsed.toRFC5952String();
};
