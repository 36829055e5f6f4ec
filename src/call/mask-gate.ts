/**
 * The one place that decides whether a frame is kept (design §4, rules 1–3): it is held against every mask of the call, past ones
 * too, by when it was captured. What may not be kept is zeroed where it lies and counted; the rest goes to the recordings.
 */
import type { Line } from '../media/timeline.ts';
import type { Recorder } from '../record/recorder.ts';
import type { TrackSource } from '../record/track-source.ts';
import type { MaskBook } from './mask-book.ts';

/** Where the frame in hand lies on the call's clock, µs. One object, set anew for each frame. */
export class FramePlacement {
  line: Line = { id: -1, firstSequence: 0, anchorUs: 0, trusted: false };
  arrivalUs = 0;
  ticks = 0;
  startUs = 0;
  endUs = 0;
  /** How far its line may still move it towards the past. */
  uncertaintyUs = 0;

  set(line: Line, arrivalUs: number, ticks: number, startUs: number, endUs: number, uncertaintyUs: number): void {
    this.line = line;
    this.arrivalUs = arrivalUs;
    this.ticks = ticks;
    this.startUs = startUs;
    this.endUs = endUs;
    this.uncertaintyUs = uncertaintyUs;
  }
}

export class MaskGate {
  readonly placement = new FramePlacement();
  /** End of the last frame of either leg, withheld ones too. */
  lastFrameUs = Number.NEGATIVE_INFINITY;
  readonly #masks: MaskBook;
  readonly #recorders: () => readonly Recorder[];
  readonly #beforeFrame: (startUs: number) => void;

  /** @param beforeFrame told of each frame's start before it is judged: a recording may begin with it. */
  constructor(masks: MaskBook, recorders: () => readonly Recorder[], beforeFrame: (startUs: number) => void) {
    this.#masks = masks;
    this.#recorders = recorders;
    this.#beforeFrame = beforeFrame;
  }

  /** Withholds a frame with a key tone in it, on its leg alone. */
  redact(source: TrackSource, bytes: Uint8Array, start: number, end: number): void {
    const { startUs, endUs } = this.placement;
    if (endUs > this.lastFrameUs) this.lastFrameUs = endUs;
    this.#beforeFrame(startUs);
    bytes.fill(0, start, end);
    for (const recorder of this.#recorders())
      if (recorder.covers(startUs, endUs)) recorder.redacted(source.leg, startUs, endUs);
  }

  /** Judges the frame `bytes[start, end)`, which lies at `placement`. */
  judge(source: TrackSource, bytes: Uint8Array, start: number, end: number): void {
    const { line, arrivalUs, ticks, startUs, endUs, uncertaintyUs } = this.placement;
    if (endUs > this.lastFrameUs) this.lastFrameUs = endUs;
    this.#beforeFrame(startUs);
    const recorders = this.#recorders();
    const duration = endUs - startUs;
    // At most a frame of room: rule 3 allows one frame more, never a sample less.
    const room = uncertaintyUs < duration ? uncertaintyUs : duration;
    let mask = this.#masks.touching(startUs - room, endUs);
    // Too few packets agree on the line: its placement may be wrong, so the arrival counts as well.
    if (mask === undefined && !line.trusted) mask = this.#masks.touching(arrivalUs - duration, arrivalUs);
    if (mask !== undefined) {
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
}
