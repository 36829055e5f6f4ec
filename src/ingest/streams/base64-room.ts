/** Base64 (RFC 4648 §4, §5; padding or none) decoded into memory that is used again and zeroed: no audio stays behind in a pool. */

/** Three seconds of linear 16 bit at 16 kHz. What is longer was not sent as it was spoken. */
const MOST_BYTES = 98_304;
const FIRST_BYTES = 4096;

export class Base64Room {
  #room = Buffer.alloc(FIRST_BYTES);
  #used = 0;

  /** @returns valid until `clear` or the next call; undefined for what is no base64, or too long */
  decode(text: unknown): Uint8Array | undefined {
    if (typeof text !== 'string') return undefined;
    const characters = text.length - paddingOf(text);
    const length = Math.floor((characters * 3) / 4);
    if (characters % 4 === 1 || length > MOST_BYTES) return undefined;
    if (length > this.#room.length) this.#room = Buffer.alloc(Math.min(MOST_BYTES, 2 * length));
    // What is no base64 is skipped by the platform, and missing then.
    const written = this.#room.write(text, 0, length, 'base64');
    this.#used = length;
    if (written === length) return this.#room.subarray(0, length);
    this.clear();
    return undefined;
  }

  clear(): void {
    this.#room.fill(0, 0, this.#used);
    this.#used = 0;
  }
}

const paddingOf = (text: string): number => (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
