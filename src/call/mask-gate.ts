/**
 * The one place that decides whether a frame is kept (design §4, rules 1–3): it is held against every mask of the call, past ones
 * too, by the span of time in which it can have been captured. What may not be kept is zeroed where it lies and counted; the rest goes to the recordings.
 */
import type { Line } from '../media/timeline.ts';
import type { Recorder } from '../record/recorder.ts';
import type { TrackSource } from '../record/track-source.ts';
import type { Mask, MaskBook } from './mask-book.ts';
import type { PendingStarts } from './pending-starts.ts';
import type { PositionMasks } from './position-masks.ts';
import type { PacketTimeline } from './stream.ts';

/** Where the frame in hand lies on the call's clock, µs. One object, set anew for each frame. */
export class FramePlacement {
  line: Line = { id: -1, firstSequence: 0, anchorUs: 0, trusted: false, shiftUs: 0, shiftOpenUntilUs: 0 };
  arrivalUs = 0;
  ticks = 0;
  startUs = 0;
  endUs = 0;
  /** When its audio can have been captured, at the earliest and the latest. */
  earliestUs = 0;
  latestUs = 0;
  /** How much audio from before it is in it. */
  reachBackUs = 0;

  /**
   * Takes the placement of the packet that `timeline` placed last.
   * @param reachBackUs how much audio from before it is in it. @param sinceUs how long before `arrivalUs` it may have come.
   */
  take(
    timeline: PacketTimeline,
    line: Line,
    arrivalUs: number,
    ticks: number,
    reachBackUs: number,
    sinceUs: number,
  ): void {
    this.line = line;
    this.arrivalUs = arrivalUs;
    this.ticks = ticks;
    this.startUs = timeline.startUs;
    this.endUs = timeline.endUs;
    this.earliestUs = timeline.earliestUs - reachBackUs;
    // Where its line can't say when it was captured, its arrival must, and that may have been sooner than it was read.
    if (!line.trusted) this.earliestUs -= arrivalUs - sinceUs;
    this.latestUs = timeline.latestUs;
    this.reachBackUs = reachBackUs;
  }
}

/** One for all calls: a frame is judged before the next one is placed, and what every packet touches stays in the processor's cache. */
const placement = new FramePlacement();

export class MaskGate {
  readonly placement = placement;
  /** End of the last frame of either leg, withheld ones too. */
  lastFrameUs = Number.NEGATIVE_INFINITY;
  /** Frames that a mask kept out, recorded or not. */
  withheld = 0;
  readonly #masks: MaskBook;
  readonly #positions: PositionMasks;
  readonly #recorders: readonly Recorder[];
  readonly #pending: Pick<PendingStarts, 'isEmpty'>;
  readonly #beforeFrame: (startUs: number) => void;

  /**
   * @param recorders those that are not closed, as they come and go.
   * @param pending recordings that may begin with a frame; @param beforeFrame told of its start before it is judged, when there are any.
   */
  constructor(
    masks: MaskBook,
    positions: PositionMasks,
    recorders: readonly Recorder[],
    pending: Pick<PendingStarts, 'isEmpty'>,
    beforeFrame: (startUs: number) => void,
  ) {
    this.#masks = masks;
    this.#positions = positions;
    this.#recorders = recorders;
    this.#pending = pending;
    this.#beforeFrame = beforeFrame;
  }

  /** Withholds a frame with a key tone in it, on its leg alone. */
  redact(source: TrackSource, bytes: Uint8Array, start: number, end: number): void {
    const { startUs, endUs } = this.placement;
    if (endUs > this.lastFrameUs) this.lastFrameUs = endUs;
    if (!this.#pending.isEmpty) this.#beforeFrame(startUs);
    bytes.fill(0, start, end);
    for (const recorder of this.#recorders)
      if (recorder.covers(startUs, endUs)) recorder.redacted(source.leg, startUs, endUs);
  }

  /** Judges the frame `bytes[start, end)`, which lies at `placement`. */
  judge(source: TrackSource, bytes: Uint8Array, start: number, end: number): void {
    const { line, arrivalUs, ticks, startUs, endUs, earliestUs, latestUs } = this.placement;
    if (endUs > this.lastFrameUs) this.lastFrameUs = endUs;
    if (!this.#pending.isEmpty) this.#beforeFrame(startUs);
    const recorders = this.#recorders;
    const mask = this.#masks.touching(earliestUs, latestUs) ?? this.#byPosition(source);
    if (mask !== undefined) {
      this.withheld++;
      bytes.fill(0, start, end);
      for (const recorder of recorders) {
        if (recorder.covers(startUs, endUs)) recorder.withheld(source.leg, mask.id, endUs);
      }
      return;
    }
    for (const recorder of recorders) {
      if (recorder.covers(startUs, endUs)) recorder.frame(source, line, arrivalUs, ticks, bytes, start, end);
    }
  }

  #byPosition(source: TrackSource): Mask | undefined {
    if (this.#positions.isEmpty) return undefined;
    return this.#positions.touching(this.placement, source.codec.wire.clockRate);
  }
}
