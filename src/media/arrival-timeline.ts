/**
 * Places a stream that has no timestamps on the call's clock, by arrival (design §5). Pure: no clock, no I/O. Its audio is counted as if
 * it were seamless; where it is not, a new line begins:
 *
 *     on time       on the line: end = anchor + audio so far ≤ arrival, the anchor the least delay seen
 *     late by 40 ms in doubt, held for 0.6 s at most: did the sender say nothing meanwhile, or did the path stand still?
 *       … and the audio catches up with the line: it stood still, and nothing was missing
 *       … and it does not: silence, and a new line from the earliest arrival of what was held
 *
 * What comes after a gap can have been captured any time since: until it has come at the pace of speech for half a second,
 * `earliestUs` is where it would lie had the sender never paused. What was captured under a mask and waited is so withheld behind it.
 */
import type { Line, PacketOrder, Placement } from './timeline.ts';

/** A frame later than this is in doubt: less can't be told from jitter, and moves nothing by more than it. */
const GAP_US = 40_000;
/** What is held in memory is lost by a crash, and at most a second may be. */
const HOLD_US = 600_000;
/** Audio that comes at the pace of speech for so long is not a queue that drains … */
const PACE_SPAN_US = 500_000;
/** … where it comes no faster than this allows, and at least this share of the time. */
const PACE_SLACK_US = 40_000;
const PACE_SHARE = 0.5;
/**
 * A queue drains unseen while its sender pauses, and a third faster than speech at least while it doesn't: where so much audio has come no
 * faster than `PACE_SLACK_US` allows, none is left. What came before that may still have waited.
 */
const DRAINED_US = PACE_SLACK_US / 0.28;
/** A message of several frames is this long. */
const PACE_LATE_US = 150_000;
/** Crystals are within 100 ppm; the anchor rises with a sender whose clock is slow. */
const RISE_PPM = 500;
const RISE_SPAN_US = 1_000_000;
/** Packets whose mean excess counts. */
const MEAN_OF = 256;

/** A piece of a stream without timestamps. The object may be used again. */
export type Untimed = {
  /** When its source was opened, or fell silent under another connection, µs: nothing of it was captured before. */
  sinceUs: number;
  /** Ticks of audio that came with it, behind it. */
  behind: number;
};

type RunLine = Line & {
  /** The anchor it would have had the sender never paused: for what comes before `certainTicks`. */
  readonly unpausedUs: number;
  certainTicks: number;
};

/** What came seamlessly within what is held: where it begins, and its earliest-arrival line. */
type Run = { readonly ticks: number; anchorUs: number; packets: number; meanUs: number };

export class ArrivalTimeline {
  readonly clockRate: number;
  /** Ticks of the latest packet, counted from the stream's first sample. */
  extended = 0;
  /** Of the latest packet that was placed. */
  startUs = 0;
  endUs = 0;
  earliestUs = 0;
  latestUs = 0;
  #placedLine: RunLine | undefined;
  readonly #nextLine: () => number;
  #ticks = 0;
  #line: RunLine | undefined;
  /** The lines that held frames have come to, by their first ticks. */
  readonly #resolved: { readonly ticks: number; readonly line: RunLine }[] = [];
  #anchoredAtUs = 0;
  /** The anchor of the last line that was certain, else where the stream was opened. */
  #certainUs: number | undefined;
  #excess = 0;
  #count = 0;
  /** What is in doubt, none when nothing is, and since when. */
  readonly #runs: Run[] = [];
  #heldSinceUs = 0;
  /** The pace: since when and which ticks it is watched, the offset then, the audio since. */
  #paceSinceUs = 0;
  #paceTicks = 0;
  #paceOffset = Number.POSITIVE_INFINITY;
  #paceAudioUs = 0;
  #isCertain = false;
  /** The same before what is in doubt came, and how much of that there is. */
  #paceBefore = { sinceUs: 0, ticks: 0, offset: Number.POSITIVE_INFINITY, audioUs: 0, isCertain: false };
  #heldAudioUs = 0;
  #heldLateUs = 0;

  /** @param nextLine numbers lines, unique within whatever the lines are kept in. */
  constructor(clockRate: number, nextLine: () => number) {
    this.clockRate = clockRate;
    this.#nextLine = nextLine;
  }

  /** The line of the packet that was placed last. */
  get placedLine(): Line | undefined {
    return this.#placedLine;
  }

  /** Takes a packet. @param duration its ticks; @param arrivalUs on the call's clock, never goes back */
  pushUntimed(duration: number, arrivalUs: number, { sinceUs, behind }: Untimed): Placement {
    const ticks = this.#ticks;
    this.extended = ticks;
    this.#ticks += duration;
    this.#certainUs ??= Math.min(sinceUs, arrivalUs);
    const offset = arrivalUs - this.#us(ticks + duration + behind);
    const line = this.#line;
    if (this.#runs.length === 0 && line !== undefined) {
      const risen = this.#risen(line, arrivalUs);
      if (offset - risen <= GAP_US) {
        this.#follow(line, risen, offset, arrivalUs);
        this.#watchPace(offset, duration, arrivalUs);
        this.#place(line, ticks, duration, arrivalUs);
        return 'placed';
      }
    }
    this.#hold(ticks, offset, arrivalUs, this.#us(duration));
    this.#watchPace(offset, duration, arrivalUs);
    return 'held';
  }

  isResolvable(nowUs: number): boolean {
    const first = this.#runs[0];
    if (first === undefined) return true;
    return nowUs - this.#heldSinceUs >= HOLD_US || (this.#runs.length === 1 && this.#hasCaughtUp(first));
  }

  /** Decides where the held packets lie. */
  resolve(): void {
    this.#resolved.length = 0;
    const [first, ...others] = this.#runs.splice(0);
    if (first === undefined) return;
    if (this.#line !== undefined && this.#hasCaughtUp(first)) {
      // What waited for long, or goes beyond the line, is no pace of speech: it says nothing for a line that is not certain.
      const isPace = this.#line.trusted || this.#heldLateUs <= PACE_LATE_US;
      if (others.length === 0 && isPace && first.anchorUs >= this.#paceBefore.offset - PACE_SLACK_US)
        this.#restorePace();
      this.#line.anchorUs = Math.min(this.#line.anchorUs, first.anchorUs);
      this.#resolved.push({ ticks: first.ticks, line: this.#line });
    } else this.#begin(first);
    for (const run of others) this.#begin(run);
    this.#anchoredAtUs = this.#heldSinceUs;
    if (this.#isCertain && this.#line !== undefined) this.#ascertain(this.#line);
  }

  /** The line of a packet that was held, after `resolve`. */
  lineOfHeld(ticks: number): Line {
    return (this.#resolved.findLast((run) => run.ticks <= ticks) ?? this.#resolved[0])?.line ?? this.#line!;
  }

  /** Places a packet that was held on its line, where that now lies. */
  placeHeld(line: Line, ticks: number, duration: number, arrivalUs: number, _order: PacketOrder): void {
    // None but ours come back.
    this.#place(line as RunLine, ticks, duration, arrivalUs);
  }

  /** Whether what is held is no later than the line allows. */
  #hasCaughtUp(run: Run): boolean {
    return this.#line !== undefined && run.anchorUs - this.#risen(this.#line, this.#heldSinceUs) <= GAP_US;
  }

  /** Takes a packet among those in doubt. One that is late again begins a run of its own; one that isn't shows that what was before it waited. */
  #hold(ticks: number, offset: number, arrivalUs: number, durationUs: number): void {
    const runs = this.#runs;
    if (runs.length === 0) {
      this.#heldSinceUs = arrivalUs;
      this.#paceBefore = {
        ...{ sinceUs: this.#paceSinceUs, ticks: this.#paceTicks, offset: this.#paceOffset },
        ...{ audioUs: this.#paceAudioUs, isCertain: this.#isCertain },
      };
      this.#heldAudioUs = 0;
      this.#heldLateUs = offset - (this.#line?.anchorUs ?? offset);
      this.#restartPace(offset, arrivalUs);
    }
    this.#heldAudioUs += durationUs;
    let last = runs.at(-1);
    if (last === undefined || offset - last.anchorUs > GAP_US) {
      if (last !== undefined) this.#restartPace(offset, arrivalUs);
      runs.push({ ticks, anchorUs: offset, packets: 1, meanUs: offset });
      return;
    }
    last.anchorUs = Math.min(last.anchorUs, offset);
    last.meanUs += (offset - last.meanUs) / ++last.packets;
    for (let before = runs.at(-2); before !== undefined; before = runs.at(-2)) {
      if (last.anchorUs - before.anchorUs > GAP_US) return;
      before.anchorUs = Math.min(before.anchorUs, last.anchorUs);
      runs.pop();
      last = before;
    }
  }

  #begin({ ticks, anchorUs, packets, meanUs }: Run): void {
    const line: RunLine = {
      id: this.#nextLine(),
      firstSequence: 0,
      anchorUs,
      trusted: false,
      shiftUs: 0,
      shiftOpenUntilUs: 0,
      unpausedUs: Math.min(this.#certainUs ?? anchorUs, anchorUs),
      certainTicks: Number.POSITIVE_INFINITY,
    };
    this.#line = line;
    this.#excess = meanUs - anchorUs;
    this.#count = packets;
    this.#resolved.push({ ticks, line });
  }

  #ascertain(line: RunLine): void {
    line.trusted = true;
    line.certainTicks = Math.min(line.certainTicks, this.#paceTicks + (DRAINED_US * this.clockRate) / 1e6);
    this.#certainUs = line.anchorUs;
  }

  #restartPace(offset: number, arrivalUs: number): void {
    this.#isCertain = false;
    this.#paceSinceUs = arrivalUs;
    this.#paceTicks = this.extended;
    this.#paceOffset = offset;
    this.#paceAudioUs = 0;
  }

  /** Nothing was missing: what was late is counted with what came before it. */
  #restorePace(): void {
    const { sinceUs, ticks, offset, audioUs, isCertain } = this.#paceBefore;
    this.#paceSinceUs = sinceUs;
    this.#paceTicks = ticks;
    this.#paceOffset = offset;
    this.#paceAudioUs = audioUs + this.#heldAudioUs;
    this.#isCertain = isCertain;
  }

  #watchPace(offset: number, duration: number, arrivalUs: number): void {
    // Faster than it can be spoken: it waited. What came before it did so too.
    if (offset < this.#paceOffset - PACE_SLACK_US) {
      this.#restartPace(offset, arrivalUs);
      return;
    }
    this.#paceAudioUs += this.#us(duration);
    const spanUs = arrivalUs - this.#paceSinceUs;
    if (spanUs < PACE_SPAN_US) return;
    const isSteady = this.#paceAudioUs >= spanUs * PACE_SHARE;
    if (!isSteady) this.#restartPace(offset, arrivalUs);
    else if (this.#runs.length > 0) this.#isCertain = true;
    else if (this.#line !== undefined) {
      this.#ascertain(this.#line);
      this.#restartPace(offset, arrivalUs);
    }
  }

  #risen(line: Line, arrivalUs: number): number {
    return line.anchorUs + (Math.min(Math.max(0, arrivalUs - this.#anchoredAtUs), RISE_SPAN_US) * RISE_PPM) / 1e6;
  }

  #follow(line: Line, risen: number, offset: number, arrivalUs: number): void {
    line.anchorUs = offset < risen ? offset : risen;
    this.#anchoredAtUs = arrivalUs;
    this.#count++;
    this.#excess += (offset - line.anchorUs - this.#excess) / Math.min(this.#count, MEAN_OF);
  }

  /** How far the anchor may still fall, going by what was seen so far. */
  get #uncertaintyUs(): number {
    return this.#count === 0 ? 0 : (4 * this.#excess) / this.#count;
  }

  #place(line: RunLine, ticks: number, duration: number, arrivalUs: number): void {
    this.#placedLine = line;
    this.startUs = line.anchorUs + this.#us(ticks);
    this.endUs = line.anchorUs + this.#us(ticks + duration);
    const lengthUs = this.endUs - this.startUs;
    this.latestUs = Math.max(this.endUs, arrivalUs);
    this.earliestUs = Math.min(
      this.startUs - Math.min(this.#uncertaintyUs, lengthUs),
      ticks >= line.certainTicks ? Number.POSITIVE_INFINITY : line.unpausedUs + this.#us(ticks),
      line.trusted ? Number.POSITIVE_INFINITY : arrivalUs - lengthUs,
    );
  }

  #us(ticks: number): number {
    return (ticks * 1e6) / this.clockRate;
  }
}
