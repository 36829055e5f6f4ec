/**
 * Places one stream's packets on the call's clock (design §5): RTP timestamps, anchored to the earliest-arrival line, in lines
 * that begin anew when the timestamps jump. Pure: no clock, no I/O; allocates only when a line begins.
 *
 * A packet leaves its sender when its last sample has been captured, so it is the frame's *end* that arrival bounds:
 *
 *     end(packet) = anchor + (timestamp + duration) / clockRate  ≤  arrival
 *
 * The anchor is the least delay seen, let rise by `RISE_PPM` so that a sender whose clock is slow is followed, while a queue on
 * the network (hundreds of ms, for seconds) hardly moves it: packets that waited keep the time they were captured at.
 */

/** The newest packet this far ahead of the line puts the line in doubt … */
const EARLY_US = 100_000;
/** … as does one this far behind it, when it fell behind in one step: a queue grows slowly, a sender that paused does not. */
const LATE_US = 400_000;
const STEP_US = 200_000;
/** No queue is this long. */
const LATE_LIMIT_US = 5_000_000;
/** Packets of one new line agree within this. */
const AGREE_US = 100_000;
/** A new line is trusted after so many packets that agree … */
const TRUST_PACKETS = 5;
/** … and after so much time, or fewer packets over a longer time. */
const TRUST_SPAN_US = 60_000;
const SPARSE_PACKETS = 3;
const SPARSE_SPAN_US = 150_000;
/** Doubt ends here whatever was seen: what is held in memory is lost by a crash, and at most 1 s may be. */
const DOUBT_LIMIT_US = 600_000;
/** A stream that falls silent while its line is in doubt is judged on what it sent. */
const DOUBT_SILENCE_US = 200_000;
/** Crystals are within 100 ppm; senders in virtual machines have been seen at 300. */
const RISE_PPM = 500;

/** Where a line puts its packets. Ids grow by one; `trusted` is false where too few packets agreed on it. */
export type Line = {
  readonly id: number;
  /** Extended sequence number of its first packet: what is late and below it belongs to the line before. */
  readonly firstSequence: number;
  /** Call-clock µs of the line's timestamp 0; falls as faster packets come. */
  anchorUs: number;
  trusted: boolean;
};

/** `placed`: `line`, `startUs` and `endUs` hold. `held`: in doubt; keep the packet until `resolved` calls say which line it is on. */
export type Placement = 'placed' | 'held';

export class StreamTimeline {
  readonly clockRate: number;
  /** Of the latest packet: its extended timestamp in ticks. */
  extended = 0;
  /** Of the latest packet that was placed. */
  startUs = 0;
  endUs = 0;
  /** How far the anchor may still fall, going by what was seen so far; what is judged at an edge gets this much room. */
  get uncertaintyUs(): number {
    return this.#count === 0 ? 0 : (4 * this.#excess) / this.#count;
  }
  #line: Line | undefined;
  #previous: Line | undefined;
  #placedLine: Line | undefined;
  #nextLine: () => number;
  #lastTicks: number | undefined;
  #anchoredAtUs = 0;
  /** Mean distance of packets from the line, in µs, and how many went into it. */
  #excess = 0;
  #count = 0;
  /** The line in doubt: its least offset, packets that agree, when they began and last came. */
  #doubtAnchor = 0;
  #doubtCount = 0;
  #doubtSinceUs = 0;
  #doubtFirstUs = 0;
  #doubtLastUs = 0;
  #doubtSequence = 0;
  #lastOffset = 0;
  #inDoubt = false;

  /** @param nextLine numbers lines, unique within whatever the lines are kept in. */
  constructor(clockRate: number, nextLine: () => number) {
    this.clockRate = clockRate;
    this.#nextLine = nextLine;
  }

  /** The line of the packet that was placed last. */
  get placedLine(): Line | undefined {
    return this.#placedLine;
  }

  /** Whether packets are being held. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /**
   * Takes a packet's timestamp.
   * @param timestamp 32 bits as on the wire.
   * @param duration ticks the payload plays.
   * @param arrivalUs on the call's clock; never goes back.
   * @param sequence extended sequence number.
   * @param late it is behind a sequence number already seen: it never puts the line in doubt.
   */
  push(timestamp: number, duration: number, arrivalUs: number, sequence: number, late: boolean): Placement {
    const ticks = this.#extend(timestamp, late);
    this.extended = ticks;
    const offset = arrivalUs - this.#us(ticks + duration);
    const line = this.#line;
    if (line === undefined) {
      this.#doubt(offset, arrivalUs, sequence);
      return 'held';
    }
    if (late && sequence < line.firstSequence && this.#previous !== undefined) {
      this.#place(this.#previous, ticks, duration);
      return 'placed';
    }
    const risen = line.anchorUs + ((arrivalUs - this.#anchoredAtUs) * RISE_PPM) / 1e6;
    const off = offset - risen;
    const step = offset - this.#lastOffset;
    if (!late) this.#lastOffset = offset;
    const fellBehind = !late && off > LATE_US && (this.#inDoubt || step > STEP_US);
    if (off < -EARLY_US || off > LATE_LIMIT_US || fellBehind) {
      this.#doubt(offset, arrivalUs, sequence);
      return 'held';
    }
    if (!late) this.#inDoubt = false;
    if (!late || off < 0) this.#follow(line, risen, offset, arrivalUs);
    this.#place(line, ticks, duration);
    return 'placed';
  }

  /**
   * Whether what is held can now be decided: the doubt has passed, was confirmed, or has lasted too long.
   * The caller then calls `resolve()` once, and `placeHeld` for each held packet in the order they came.
   */
  isResolvable(nowUs: number): boolean {
    if (!this.#inDoubt) return true;
    return (
      this.#agreed || nowUs - this.#doubtSinceUs >= DOUBT_LIMIT_US || nowUs - this.#doubtLastUs >= DOUBT_SILENCE_US
    );
  }

  /** Makes the line in doubt the stream's line, unless packets have come back to the old one. */
  resolve(): void {
    if (!this.#inDoubt) return;
    this.#inDoubt = false;
    this.#previous = this.#line;
    this.#line = {
      id: this.#nextLine(),
      firstSequence: this.#doubtSequence,
      anchorUs: this.#doubtAnchor,
      trusted: this.#agreed,
    };
    this.#anchoredAtUs = this.#doubtLastUs;
    this.#excess = 0;
    this.#count = 0;
  }

  /**
   * Places a packet that was held, on the line that `resolve` left: `startUs`, `endUs` are set.
   * @returns its line, which is one of its own, not trusted and anchored to its arrival, where it fits the stream's line nowhere.
   */
  placeHeld(ticks: number, duration: number, arrivalUs: number): Line {
    const offset = arrivalUs - this.#us(ticks + duration);
    let line = this.#line;
    if (line === undefined || offset < line.anchorUs - EARLY_US || offset > line.anchorUs + LATE_LIMIT_US) {
      line = { id: this.#nextLine(), firstSequence: Number.POSITIVE_INFINITY, anchorUs: offset, trusted: false };
    } else {
      if (offset < line.anchorUs) line.anchorUs = offset;
      this.#count++;
      this.#excess += (offset - line.anchorUs - this.#excess) / this.#count;
    }
    this.#place(line, ticks, duration);
    return line;
  }

  get #agreed(): boolean {
    const span = this.#doubtLastUs - this.#doubtFirstUs;
    return (
      (this.#doubtCount >= TRUST_PACKETS && span >= TRUST_SPAN_US) ||
      (this.#doubtCount >= SPARSE_PACKETS && span >= SPARSE_SPAN_US)
    );
  }

  #doubt(offset: number, arrivalUs: number, sequence: number): void {
    if (!this.#inDoubt) {
      this.#inDoubt = true;
      this.#doubtSinceUs = arrivalUs;
      this.#doubtSequence = sequence;
      this.#restartDoubt(offset, arrivalUs);
      return;
    }
    this.#doubtLastUs = arrivalUs;
    if (Math.abs(offset - this.#doubtAnchor) > AGREE_US) {
      // A burst that drains, or another jump: only packets that agree with each other make a line.
      this.#restartDoubt(offset, arrivalUs);
      return;
    }
    this.#doubtCount++;
    if (offset < this.#doubtAnchor) this.#doubtAnchor = offset;
  }

  #restartDoubt(offset: number, arrivalUs: number): void {
    this.#doubtAnchor = offset;
    this.#doubtCount = 1;
    this.#doubtFirstUs = arrivalUs;
    this.#doubtLastUs = arrivalUs;
  }

  #follow(line: Line, risen: number, offset: number, arrivalUs: number): void {
    line.anchorUs = offset < risen ? offset : risen;
    this.#anchoredAtUs = arrivalUs;
    this.#count++;
    this.#excess += (offset - line.anchorUs - this.#excess) / Math.min(this.#count, 256);
    if (this.#count >= TRUST_PACKETS) line.trusted = true;
  }

  #place(line: Line, ticks: number, duration: number): void {
    this.#placedLine = line;
    this.startUs = line.anchorUs + this.#us(ticks);
    this.endUs = line.anchorUs + this.#us(ticks + duration);
  }

  #us(ticks: number): number {
    return (ticks * 1e6) / this.clockRate;
  }

  /** Signed 32-bit distance from the furthest timestamp so far: a jump of up to 2^31 ticks either way keeps its direction. */
  #extend(timestamp: number, late: boolean): number {
    const last = this.#lastTicks ?? timestamp;
    const ticks = last + ((timestamp - last) | 0);
    if (!late || this.#lastTicks === undefined) this.#lastTicks = ticks;
    return ticks;
  }
}
