/**
 * Follows one stream's 16-bit sequence numbers (RFC 3550 §5.1, A.1): extends them past the wrap, tells duplicates and late
 * packets, counts what never came. Pure: no clock, no I/O; allocates once.
 */

/** `next`: ahead of all before. `late`: fills a hole. `duplicate`: seen before. `restart`: too far away to be this run. */
export type SequenceVerdict = 'next' | 'late' | 'duplicate' | 'restart';

/** RFC 3550 A.1 MAX_DROPOUT: a larger step ahead is a sender that began anew. */
const MAX_AHEAD = 3000;
/** How far back duplicates are told from late packets: 20 s at 50 packets a second. Larger steps back are a restart. */
const WINDOW = 1024;

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
  readonly #seen = new Uint8Array(WINDOW);

  push(sequence: number): SequenceVerdict {
    if (this.#highest < 0) {
      // One cycle in, so that packets from before the first have room below it.
      this.#begin(0x1_0000 + sequence);
      return 'next';
    }
    const delta = ((sequence - this.#highest) << 16) >> 16;
    if (delta > MAX_AHEAD || delta <= -WINDOW) {
      this.#lostBefore = this.lost;
      // Keeps the extension growing, so that two runs never share a number.
      this.#begin(this.#highest + 0x1_0000 - (this.#highest & 0xffff) + sequence);
      return 'restart';
    }
    const extended = this.#highest + delta;
    this.extended = extended;
    if (delta > 0) {
      for (let gap = this.#highest + 1; gap < extended; gap++) this.#seen[gap % WINDOW] = 0;
      this.#highest = extended;
      this.#mark(extended);
      return 'next';
    }
    // Before the run began: a packet that the network overtook at the very start.
    if (extended < this.#runStart) {
      for (let gap = extended; gap < this.#runStart; gap++) this.#seen[gap % WINDOW] = 0;
      this.#runStart = extended;
    }
    return this.#takeLate(extended, this.#seen[extended % WINDOW] === 1);
  }

  /** Packets that were expected between the first and the highest number and never came. */
  get lost(): number {
    const expected = this.#highest < 0 ? 0 : this.#highest - this.#runStart + 1;
    return this.#lostBefore + Math.max(0, expected - this.#runReceived);
  }

  #begin(extended: number): void {
    this.#seen.fill(0);
    this.#highest = extended;
    this.extended = extended;
    this.#runStart = extended;
    this.#runReceived = 0;
    this.#mark(extended);
  }

  #takeLate(extended: number, seen: boolean): SequenceVerdict {
    if (seen) {
      this.duplicate++;
      return 'duplicate';
    }
    this.late++;
    this.#mark(extended);
    return 'late';
  }

  #mark(extended: number): void {
    this.#seen[extended % WINDOW] = 1;
    this.received++;
    this.#runReceived++;
  }
}
