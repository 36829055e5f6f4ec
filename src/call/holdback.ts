/**
 * Frames that wait in memory, in the order they arrived: for their stream's line to be trusted, and for the lookback during which
 * a mask may still reach them (design §4, rules 2 and 8). Slots are used again, and zeroed before they are.
 */
import type { Line, PacketOrder } from '../media/timeline.ts';
import type { TrackSource } from '../record/track-source.ts';
import type { PacketTimeline } from './stream.ts';

export type HeldFrame = {
  /** What places it. */
  timeline: PacketTimeline;
  source: TrackSource;
  /** Undefined while the stream's line is in doubt. */
  line: Line | undefined;
  ticks: number;
  duration: number;
  arrivalUs: number;
  order: PacketOrder;
  /** How much audio from before it is in it, µs. */
  reachBackUs: number;
  /** It may have come as early as this. */
  sinceUs: number;
  bytes: Buffer;
  length: number;
};

const SLOT_BYTES = 256;

export class Holdback {
  readonly #queue: HeldFrame[] = [];
  #head = 0;
  readonly #free: HeldFrame[] = [];

  get length(): number {
    return this.#queue.length - this.#head;
  }

  first(): HeldFrame | undefined {
    return this.#queue[this.#head];
  }

  /** Copies a frame in, as the last. The caller fills in its placement. */
  push(
    timeline: PacketTimeline,
    source: TrackSource,
    arrivalUs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): HeldFrame {
    const length = end - start;
    const slot = this.#free.pop();
    const frame: HeldFrame = slot ?? {
      timeline,
      source,
      line: undefined,
      ticks: 0,
      duration: 0,
      arrivalUs,
      order: 'inOrder',
      reachBackUs: 0,
      sinceUs: arrivalUs,
      bytes: Buffer.alloc(Math.max(SLOT_BYTES, length)),
      length,
    };
    if (frame.bytes.length < length) frame.bytes = Buffer.alloc(length);
    frame.timeline = timeline;
    frame.source = source;
    frame.line = undefined;
    frame.arrivalUs = arrivalUs;
    frame.length = length;
    for (let i = 0; i < length; i++) frame.bytes[i] = bytes[start + i]!;
    this.#queue.push(frame);
    return frame;
  }

  /** Takes the first frame out, zeroes it and keeps its slot. */
  shift(): void {
    const frame = this.#queue[this.#head];
    if (frame === undefined) return;
    frame.bytes.fill(0, 0, frame.length);
    this.#free.push(frame);
    this.#head++;
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }

  *[Symbol.iterator](): Generator<HeldFrame> {
    for (let i = this.#head; i < this.#queue.length; i++) yield this.#queue[i]!;
  }
}
