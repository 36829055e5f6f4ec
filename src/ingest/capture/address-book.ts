/** Turns addresses in packets into text, each text made once: a stream's every packet then shares two strings. */
import ipaddr from 'ipaddr.js';

/** A port scan must not fill the memory: with that many addresses the book starts anew. */
const MAX_ADDRESSES = 1 << 16;

type V6Entry = {
  readonly words: readonly [number, number, number, number];
  readonly text: string;
  readonly next: V6Entry | undefined;
};

export class AddressBook {
  readonly #v4 = new Map<number, string>();
  /** By a hash of the address; entries of one hash form a chain. */
  readonly #v6 = new Map<number, V6Entry>();
  #v6Entries = 0;

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
    const chain = this.#v6.get(hash);
    for (let entry = chain; entry; entry = entry.next) {
      const { words } = entry;
      if (words[0] === a && words[1] === b && words[2] === c && words[3] === d) return entry.text;
    }
    if (this.#v6Entries === MAX_ADDRESSES) {
      this.#v6.clear();
      this.#v6Entries = 0;
    }
    const text = v6Text(bytes.subarray(at, at + 16));
    this.#v6.set(hash, { words: [a, b, c, d], text, next: this.#v6Entries === 0 ? undefined : chain });
    this.#v6Entries++;
    return text;
  }
}

const v6Text = (address: Buffer): string => {
  const parsed = new ipaddr.IPv6([...address]);
  return parsed.isIPv4MappedAddress() ? `::ffff:${parsed.toIPv4Address()}` : parsed.toRFC5952String();
};
