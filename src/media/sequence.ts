/**
 * Follows one stream's 16-bit sequence numbers (RFC 3550 §5.1, A.1): extends them past the wrap, tells duplicates and late
 * packets, counts what never came. Pure: no clock, no I/O; allocates once.
 */

/**
 * `next`: ahead of all before. `late`: fills a hole. `duplicate`: number and timestamp seen before. `stray`: fits nowhere, so far.
 * `restart`: the second in a row that fits nowhere but follows the first: the sender began anew.
 */
export type SequenceVerdict = 'next' | 'late' | 'duplicate' | 'stray' | 'restart';

/** RFC 3550 A.1 MAX_DROPOUT: a larger step ahead is no step. */
const MAX_AHEAD = 3000;
/** How far back duplicates are told from late packets: 20 s at 50 packets a second. */
const WINDOW = 1024;
/** So many timestamps, and a word of one bit for each: a line of the processor's cache, for there are thousands of these. */
const GROUP = 15;
const GROUP_WORDS = GROUP + 1;
const NO_NUMBER = -1;

export class SequenceTracker {
  /** The latest number given to `push`, extended past the wrap (starting one cycle in); it goes on counting over a restart. */
  extended = 0;
  received = 0;
  late = 0;
  duplicate = 0;
  #highest = -1;
  /** First number of the present run; what is expected counts from here. */
  #runStart = 0;
  #runReceived = 0;
  #lostBefore = 0;
  /** The number that would confirm a restart. */
  #afterStray = NO_NUMBER;
  /** Timestamps by number modulo the window, in groups, each with the bits of those that were seen behind it. */
  readonly #seen = new Uint32Array(Math.ceil(WINDOW / GROUP) * GROUP_WORDS);

  /** @param timestamp of the RTP header: the same number with another timestamp is another packet. */
  push(sequence: number, timestamp: number): SequenceVerdict {
    if (this.#highest < 0) {
      // One cycle in, so that packets from before the first have room below it.
      this.#begin(0x1_0000 + sequence, timestamp);
      return 'next';
    }
    const delta = ((sequence - this.#highest) << 16) >> 16;
    const extended = this.#highest + delta;
    if (delta > MAX_AHEAD || delta <= -WINDOW) return this.#fitsNowhere(sequence, timestamp);
    if (delta > 0) {
      for (let gap = this.#highest + 1; gap < extended; gap++) this.#forget(gap);
      this.#highest = extended;
      this.#mark(extended, timestamp);
      return 'next';
    }
    // Before the run began: a packet that the network overtook at the very start.
    if (extended < this.#runStart) {
      for (let gap = extended; gap < this.#runStart; gap++) this.#forget(gap);
      this.#runStart = extended;
    }
    const at = placeOf(extended);
    const isSeen = (this.#seen[bitsOf(at)]! & bitOf(at)) !== 0;
    const isSame = isSeen && this.#seen[at] === timestamp;
    if (isSeen && !isSame) return this.#fitsNowhere(sequence, timestamp);
    this.extended = extended;
    if (isSame) {
      this.duplicate++;
      return 'duplicate';
    }
    this.late++;
    this.#mark(extended, timestamp);
    return 'late';
  }

  /** Packets that were expected between the first and the highest number and never came. */
  get lost(): number {
    const expected = this.#highest < 0 ? 0 : this.#highest - this.#runStart + 1;
    return this.#lostBefore + Math.max(0, expected - this.#runReceived);
  }

  #fitsNowhere(sequence: number, timestamp: number): SequenceVerdict {
    if (sequence !== this.#afterStray) {
      this.#afterStray = (sequence + 1) & 0xffff;
      this.received++;
      return 'stray';
    }
    this.#lostBefore = this.lost;
    // Keeps the extension growing, so that two runs never share a number.
    this.#begin(this.#highest + 0x2_0000 - (this.#highest & 0xffff) + sequence, timestamp);
    return 'restart';
  }

  #begin(extended: number, timestamp: number): void {
    this.#seen.fill(0);
    this.#afterStray = NO_NUMBER;
    this.#highest = extended;
    this.#runStart = extended;
    this.#runReceived = 0;
    this.#mark(extended, timestamp);
  }

  #mark(extended: number, timestamp: number): void {
    this.extended = extended;
    const at = placeOf(extended);
    this.#seen[at] = timestamp;
    this.#seen[bitsOf(at)]! |= bitOf(at);
    this.received++;
    this.#runReceived++;
  }

  #forget(extended: number): void {
    const at = placeOf(extended);
    this.#seen[bitsOf(at)]! &= ~bitOf(at);
  }
}

/** Where a number's timestamp is. */
const placeOf = (extended: number): number => {
  const at = extended % WINDOW;
  const group = Math.floor(at / GROUP);
  return group * GROUP_WORDS + (at - group * GROUP);
};

/** Where the bit of a timestamp's number is, and which it is. */
const bitsOf = (at: number): number => at | GROUP;
const bitOf = (at: number): number => 1 << (at & GROUP);
