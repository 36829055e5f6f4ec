/**
 * A sample of what one stream's payloads are, to find the same audio again on another hop, where ports, SSRC, sequence numbers
 * and timestamps are rewritten and only the payload bytes stay. Pure; keeps hashes and times, never audio.
 *
 * Whether a payload is kept depends on its hash alone (its lowest `level` bits are zero), so that both hops keep the same ones
 * without knowing of each other. The level rises as the sample fills: memory is bounded however long the call is.
 */

/** Up to this level the sample is small, because most streams are short; an eighth of the packets is plenty beyond. */
const STEADY_LEVEL = 3;
const SHORT_CAPACITY = 64;
const CAPACITY = 2048;
const HIGHEST_LEVEL = 20;
/** A payload that comes again, as in a steady tone, is kept once in so much of the capture's time; later in more. */
const REPEAT_US = 2_000_000;
/** Events and comfort noise say nothing about who is heard. */
const SHORTEST_PAYLOAD = 20;
/** Bytes looked at in a long payload. */
const LOOKS = 64;

/** How many entries all streams of a capture may hold together; what comes after that is not told apart from its relays. */
export class FingerprintBudget {
  left = 1 << 21;
}

export class Fingerprints {
  readonly #budget: FingerprintBudget;
  #level = 0;
  #repeatUs = REPEAT_US;
  /** In the order they came. */
  readonly #hashes: number[] = [];
  readonly #times: number[] = [];

  constructor(budget: FingerprintBudget) {
    this.#budget = budget;
  }

  get level(): number {
    return this.#level;
  }

  push(data: Uint8Array, start: number, end: number, atUs: number): void {
    const hash = payloadHash(data, start, end);
    if (hash === CONSTANT || !isKept(hash, this.#level) || this.#budget.left === 0 || this.#repeats(hash, atUs)) return;
    this.#budget.left--;
    this.#hashes.push(hash);
    this.#times.push(atUs);
    if (this.#hashes.length >= (this.#level < STEADY_LEVEL ? SHORT_CAPACITY : CAPACITY)) this.#thin();
  }

  /** Calls back with every entry in `[fromUs, toUs]`. */
  forEach(fromUs: number, toUs: number, take: (hash: number, atUs: number) => void): void {
    for (const [index, hash] of this.#hashes.entries()) {
      const atUs = this.#times[index]!;
      if (atUs >= fromUs && atUs <= toUs) take(hash, atUs);
    }
  }

  /** Counted from the epoch, not from the stream's start, so that both hops keep the same occurrences. */
  #isSamePeriod(one: number, other: number): boolean {
    return Math.floor(one / this.#repeatUs) === Math.floor(other / this.#repeatUs);
  }

  #repeats(hash: number, atUs: number): boolean {
    const oldest = Math.max(0, this.#hashes.length - SHORT_CAPACITY);
    for (let index = this.#hashes.length - 1; index >= oldest; index--) {
      if (this.#hashes[index] === hash) return this.#isSamePeriod(atUs, this.#times[index]!);
    }
    return false;
  }

  /** Makes room for at least as many entries again: by fewer payloads, or, where they are few, by fewer repeats of each. */
  #thin(): void {
    const before = this.#hashes.length;
    const isRepetitive = new Set(this.#hashes).size <= before / 2;
    while (this.#hashes.length > before / 2) {
      if (isRepetitive) this.#dropRepeats();
      else if (this.#level < HIGHEST_LEVEL) this.#raiseLevel();
      else this.#keep((index) => index % 2 === 0);
    }
    this.#budget.left += before - this.#hashes.length;
  }

  #raiseLevel(): void {
    this.#level++;
    this.#keep((index) => isKept(this.#hashes[index]!, this.#level));
  }

  #dropRepeats(): void {
    this.#repeatUs *= 2;
    const last = new Map<number, number>();
    this.#keep((index) => {
      const [hash, atUs] = [this.#hashes[index]!, this.#times[index]!];
      const before = last.get(hash);
      last.set(hash, atUs);
      return before === undefined || !this.#isSamePeriod(before, atUs);
    });
  }

  #keep(isWanted: (index: number) => boolean): void {
    let kept = 0;
    for (let index = 0; index < this.#hashes.length; index++) {
      if (!isWanted(index)) continue;
      this.#hashes[kept] = this.#hashes[index]!;
      this.#times[kept] = this.#times[index]!;
      kept++;
    }
    this.#hashes.length = kept;
    this.#times.length = kept;
  }
}

/** Whether a sample of that level holds the payload of that hash. */
export const isKept = (hash: number, level: number): boolean => (hash & ((1 << level) - 1)) === 0;

/** Stands for payloads of one value throughout, silence in most codecs: they are alike in all calls. */
export const CONSTANT = 0;

/** 32 bits, signed, of FNV-1a over at most 64 bytes spread over the payload, and its length; mixed so that the low bits are even. */
export const payloadHash = (data: Uint8Array, start: number, end: number): number => {
  const length = end - start;
  if (length < SHORTEST_PAYLOAD) return CONSTANT;
  const stride = length > LOOKS ? Math.floor(length / LOOKS) : 1;
  const first = data[start]!;
  let hash = 0x811c9dc5 ^ length;
  let differs = 0;
  for (let at = start; at < end; at += stride) {
    const byte = data[at]!;
    differs |= byte ^ first;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (differs === 0) return CONSTANT;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === CONSTANT ? 1 : hash;
};
