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
 *
 * Whether a packet lags because it waited or because its timestamps stood still can't be told at once. So each placement comes with
 * the span `[earliestUs, latestUs)` in which the frame can have been captured: from its place to its arrival. Only a packet that others
 * overtook is known to have waited, and its place alone counts.
 */
import { PersistentLag } from './lag.ts';

/** The newest packet this far ahead of the line puts the line in doubt … */
const EARLY_US = 100_000;
/** … as does one this far behind it, when it fell behind in one step: a queue grows slowly, a sender that paused does not. */
const LATE_US = 400_000;
const STEP_US = 200_000;
/** No queue is this long. */
const LATE_LIMIT_US = 5_000_000;
/** A packet out of order was overtaken, and its timestamp counts; but not when it comes later than this. */
const OVERTAKEN_US = 1_000_000;
/** No packet is overtaken by so much. */
const OVERTAKEN_LIMIT_US = 60_000_000;
/** A lag that lasts becomes a new line; which of the two is true stays open for a while. */
const PERSISTENT_US = 30_000;
const PERSISTENT_WINDOW_US = 10_000_000;
const SHIFT_OPEN_US = 10_000_000;
/** Packets of one new line agree within this. */
const AGREE_US = 40_000;
/** A new line is trusted after so many packets that agree … */
const TRUST_PACKETS = 10;
/** … and after so much time, or fewer packets over a longer time. */
const TRUST_SPAN_US = 160_000;
const SPARSE_PACKETS = 3;
const SPARSE_SPAN_US = 150_000;
/** An anchor that falls by more than this was not known yet. */
const SETTLED_US = 10_000;
/** Doubt ends here whatever was seen: what is held in memory is lost by a crash, and at most 1 s may be. */
const DOUBT_LIMIT_US = 600_000;
/** A stream that falls silent while its line is in doubt is judged on what it sent. */
const DOUBT_SILENCE_US = 200_000;
/** Crystals are within 100 ppm; senders in virtual machines have been seen at 300. The anchor rises only across media that came. */
const RISE_PPM = 500;
const RISE_SPAN_US = 1_000_000;
/** A packet in order that fits no line may have been captured so long before it came; one whose number fits nowhere, at any time. */
const MISFIT_US = 10_000_000;
/** A longer step between timestamps says nothing about how long a frame is. */
const LONGEST_FRAME_SECONDS = 0.2;

/** Where a line puts its packets. Ids grow by one; `trusted` is false where too few packets agreed on it. */
export type Line = {
  readonly id: number;
  /** Extended sequence number of its first packet: what is late and below it belongs to the line before. */
  readonly firstSequence: number;
  /** Call-clock µs of the line's timestamp 0; falls as faster packets come. */
  anchorUs: number;
  trusted: boolean;
  /** How much earlier its frames were captured if the line before it was true, and until when that is open. */
  readonly shiftUs: number;
  readonly shiftOpenUntilUs: number;
};

/** `overtaken`: behind a sequence number already seen. `stray`: its number fits nowhere; it moves no line. */
export type PacketOrder = 'inOrder' | 'overtaken' | 'stray';

/** `placed`: the placement holds. `held`: in doubt; keep the packet until `isResolvable`, then `resolve`, then `placeHeld`. */
export type Placement = 'placed' | 'held';

export class StreamTimeline {
  readonly clockRate: number;
  /** Of the latest packet: its extended timestamp in ticks. */
  extended = 0;
  /** Of the latest packet that was placed. */
  startUs = 0;
  endUs = 0;
  earliestUs = 0;
  latestUs = 0;
  #placedLine: Line | undefined;
  #line: Line | undefined;
  #previous: Line | undefined;
  readonly #nextLine: () => number;
  /** Whether `#lastTicks` is one; apart, since a number that may also be none is allocated anew each time. */
  #hasBegun = false;
  #lastTicks = 0;
  #lastSequence = 0;
  /** Ticks between packets whose numbers follow each other: the lesser of the last two such steps. */
  #step = 0;
  #stepBefore = 0;
  #anchoredAtUs = 0;
  /** Mean distance of packets from the line, in µs, and how many went into it. */
  #excess = 0;
  #count = 0;
  readonly #lag = new PersistentLag(PERSISTENT_WINDOW_US);
  #lastOffset = 0;
  /** Where the anchor had risen to when the latest packet came. */
  #risenUs = 0;
  /** The line in doubt: its offsets' range, packets that agree, when they began and last came. */
  #inDoubt = false;
  #doubtAnchor = 0;
  #doubtHighest = 0;
  #doubtCount = 0;
  #doubtLaggards = 0;
  #doubtSinceUs = 0;
  #doubtFirstUs = 0;
  #doubtLastUs = 0;
  #doubtSequence = 0;

  readonly #longestQueueUs: number;

  /**
   * @param nextLine numbers lines, unique within whatever the lines are kept in.
   * @param queues its path keeps what it can't send, for as long as it takes: TCP.
   */
  constructor(clockRate: number, nextLine: () => number, queues = false) {
    this.#longestQueueUs = queues ? Number.POSITIVE_INFINITY : LATE_LIMIT_US;
    this.clockRate = clockRate;
    this.#nextLine = nextLine;
  }

  /** The line of the packet that was placed last. */
  get placedLine(): Line | undefined {
    return this.#placedLine;
  }

  /**
   * Takes a packet's timestamp.
   * @param timestamp 32 bits as on the wire.
   * @param duration ticks the payload plays.
   * @param arrivalUs on the call's clock; never goes back.
   * @param sequence extended sequence number.
   */
  push(timestamp: number, duration: number, arrivalUs: number, sequence: number, order: PacketOrder): Placement {
    const ticks = this.#extend(timestamp, order, sequence);
    this.extended = ticks;
    const offset = arrivalUs - this.#us(ticks + duration);
    if (order === 'stray') {
      this.#placeStray(offset, ticks, duration, arrivalUs);
      return 'placed';
    }
    const line = this.#line;
    if (line === undefined) {
      this.#doubt(offset, arrivalUs, sequence, order);
      return 'held';
    }
    if (order === 'overtaken') return this.#placeOvertaken(line, offset, ticks, duration, arrivalUs, sequence);
    // Of a number that a method returns, or is given, there may be a copy in memory for each packet: what lies in the object is written over.
    this.#risenUs = line.anchorUs + (Math.min(arrivalUs - this.#anchoredAtUs, RISE_SPAN_US) * RISE_PPM) / 1e6;
    const off = offset - this.#risenUs;
    const step = offset - this.#lastOffset;
    this.#lastOffset = offset;
    const fellBehind = off > LATE_US && (this.#inDoubt || step > STEP_US);
    if (off < -EARLY_US || off > LATE_LIMIT_US || fellBehind) {
      this.#doubt(offset, arrivalUs, sequence, order);
      return 'held';
    }
    this.#inDoubt = false;
    this.#anchoredAtUs = arrivalUs;
    this.#follow(line);
    this.#lag.add(off, arrivalUs);
    const lag = this.#lag.us;
    if (lag > PERSISTENT_US) this.#begin(sequence, line.anchorUs + lag, true, arrivalUs);
    this.#place(this.#line ?? line, ticks, duration, arrivalUs, order);
    return 'placed';
  }

  /** Whether what is held can now be decided: the doubt has passed, was confirmed, or has lasted too long. */
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
    this.#begin(this.#doubtSequence, this.#doubtAnchor, this.#agreed, this.#doubtLastUs);
  }

  /**
   * Finds the line of a packet that was held, after `resolve`, in the order in which they came.
   * @returns one of its own, not trusted, where it fits the stream's lines nowhere.
   */
  lineOfHeld(ticks: number, duration: number, arrivalUs: number): Line {
    const offset = arrivalUs - this.#us(ticks + duration);
    const line = this.#line;
    if (line === undefined || offset < line.anchorUs - EARLY_US || offset > line.anchorUs + LATE_LIMIT_US) {
      return this.#strayLine(offset);
    }
    if (offset < line.anchorUs) line.anchorUs = offset;
    this.#count++;
    this.#excess += (offset - line.anchorUs - this.#excess) / this.#count;
    return line;
  }

  /** Places a packet that was held on its line, where that now lies. */
  placeHeld(line: Line, ticks: number, duration: number, arrivalUs: number, order: PacketOrder): void {
    this.#place(line, ticks, duration, arrivalUs, order);
    if (line.firstSequence === Number.POSITIVE_INFINITY) {
      this.earliestUs = order === 'stray' ? Number.NEGATIVE_INFINITY : Math.min(this.earliestUs, arrivalUs - MISFIT_US);
    }
  }

  get #agreed(): boolean {
    const span = this.#doubtLastUs - this.#doubtFirstUs;
    return (
      (this.#doubtCount >= TRUST_PACKETS && span >= TRUST_SPAN_US) ||
      (this.#doubtCount >= SPARSE_PACKETS && span >= SPARSE_SPAN_US)
    );
  }

  /** How far the anchor may still fall, going by what was seen so far. */
  get #uncertaintyUs(): number {
    return this.#count === 0 ? 0 : (4 * this.#excess) / this.#count;
  }

  #placeOvertaken(
    line: Line,
    offset: number,
    ticks: number,
    duration: number,
    arrivalUs: number,
    sequence: number,
  ): Placement {
    // Of the line that is forming.
    if (this.#inDoubt && sequence >= this.#doubtSequence) return 'held';
    const previous = this.#previous;
    const fits = ({ anchorUs }: Line): boolean => offset >= anchorUs - EARLY_US && offset <= anchorUs + LATE_LIMIT_US;
    if (sequence < line.firstSequence && previous !== undefined && fits(previous)) {
      this.#place(previous, ticks, duration, arrivalUs, 'overtaken');
    } else if (offset >= line.anchorUs - EARLY_US && offset <= line.anchorUs + OVERTAKEN_LIMIT_US) {
      if (offset < line.anchorUs) line.anchorUs = offset;
      this.#place(line, ticks, duration, arrivalUs, 'overtaken');
    } else if (this.#inDoubt && offset >= this.#doubtAnchor - EARLY_US && offset <= this.#doubtAnchor + LATE_LIMIT_US) {
      return 'held';
    } else this.#placeStray(offset, ticks, duration, arrivalUs);
    return 'placed';
  }

  #doubt(offset: number, arrivalUs: number, sequence: number, order: PacketOrder): void {
    if (!this.#inDoubt) {
      this.#inDoubt = true;
      this.#doubtSinceUs = arrivalUs;
      this.#doubtSequence = sequence;
      this.#restartDoubt(offset, arrivalUs);
      return;
    }
    if (order === 'overtaken') return;
    this.#doubtLastUs = arrivalUs;
    if (offset > this.#doubtAnchor + AGREE_US) {
      // One that waited says nothing; several in a row are where the line is.
      if (++this.#doubtLaggards >= TRUST_PACKETS) this.#restartDoubt(offset, arrivalUs);
      return;
    }
    this.#doubtLaggards = 0;
    this.#doubtAnchor = Math.min(this.#doubtAnchor, offset);
    this.#doubtHighest = Math.max(this.#doubtHighest, offset);
    // A queue that drains, or another jump: only packets that agree with each other make a line.
    if (this.#doubtHighest - this.#doubtAnchor > AGREE_US) this.#restartDoubt(offset, arrivalUs);
    else this.#doubtCount++;
  }

  #restartDoubt(offset: number, arrivalUs: number): void {
    this.#doubtAnchor = offset;
    this.#doubtHighest = offset;
    this.#doubtCount = 1;
    this.#doubtLaggards = 0;
    this.#doubtFirstUs = arrivalUs;
    this.#doubtLastUs = arrivalUs;
  }

  #begin(firstSequence: number, anchorUs: number, trusted: boolean, nowUs: number): void {
    const before = this.#line;
    const later = before === undefined ? 0 : anchorUs - before.anchorUs;
    const shiftUs = later > 0 && later <= this.#longestQueueUs ? later : 0;
    this.#previous = before;
    this.#line = {
      id: this.#nextLine(),
      firstSequence,
      anchorUs,
      trusted,
      shiftUs,
      shiftOpenUntilUs: nowUs + SHIFT_OPEN_US,
    };
    this.#anchoredAtUs = nowUs;
    this.#excess = 0;
    this.#count = 0;
    this.#lag.reset();
  }

  /** Takes the packet whose offset is `#lastOffset` for one on the line. */
  #follow(line: Line): void {
    const offset = this.#lastOffset;
    const risen = this.#risenUs;
    if (!line.trusted && offset < risen - SETTLED_US) this.#count = 0;
    line.anchorUs = offset < risen ? offset : risen;
    this.#count++;
    this.#excess += (offset - line.anchorUs - this.#excess) / Math.min(this.#count, 256);
    if (this.#count >= TRUST_PACKETS) line.trusted = true;
  }

  #place(line: Line, ticks: number, duration: number, arrivalUs: number, order: PacketOrder): void {
    this.#placedLine = line;
    const startUs = line.anchorUs + this.#us(ticks);
    const endUs = line.anchorUs + this.#us(ticks + duration);
    const lengthUs = endUs - startUs;
    this.startUs = startUs;
    this.endUs = endUs;
    // At most a frame of room: rule 3 allows one frame more, never a sample less.
    this.earliestUs = Math.min(startUs - Math.min(this.#uncertaintyUs, lengthUs), endUs - this.#us(this.#step));
    const overtaken = order === 'overtaken' && arrivalUs - endUs <= OVERTAKEN_US;
    this.latestUs = overtaken ? endUs : Math.max(endUs, arrivalUs);
    if (arrivalUs < line.shiftOpenUntilUs) this.earliestUs -= line.shiftUs;
    if (!line.trusted) {
      this.earliestUs = Math.min(this.earliestUs, arrivalUs - lengthUs);
      this.latestUs = Math.max(this.latestUs, arrivalUs);
    }
  }

  #strayLine(offset: number): Line {
    return {
      id: this.#nextLine(),
      firstSequence: Number.POSITIVE_INFINITY,
      anchorUs: offset,
      trusted: false,
      shiftUs: 0,
      shiftOpenUntilUs: 0,
    };
  }

  #placeStray(offset: number, ticks: number, duration: number, arrivalUs: number): void {
    this.placeHeld(this.#strayLine(offset), ticks, duration, arrivalUs, 'stray');
  }

  #us(ticks: number): number {
    return (ticks * 1e6) / this.clockRate;
  }

  /** Signed 32-bit distance from the latest timestamp in order: a jump of up to 2^31 ticks either way keeps its direction. */
  #extend(timestamp: number, order: PacketOrder, sequence: number): number {
    const last = this.#hasBegun ? this.#lastTicks : timestamp;
    const ticks = last + ((timestamp - last) | 0);
    if (order !== 'inOrder' && this.#hasBegun) return ticks;
    const step = ticks - last;
    if (sequence === this.#lastSequence + 1 && step > 0 && step <= LONGEST_FRAME_SECONDS * this.clockRate) {
      this.#step = this.#stepBefore === 0 ? step : Math.min(step, this.#stepBefore);
      this.#stepBefore = step;
    }
    this.#hasBegun = true;
    this.#lastTicks = ticks;
    this.#lastSequence = sequence;
    return ticks;
  }
}
