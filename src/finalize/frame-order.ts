/** A queue of frames by where they begin on the call's clock: a binary heap whose payload slots are used again. Pure. */
import type { FrameRecord } from '../spool/journal-record.ts';
import { HeldPayload } from './held-payload.ts';

export type OrderedFrame = {
  startUs: number;
  track: number;
  ticks: number;
  /** How long it is, in ticks. */
  duration: number;
  arrival: number;
  readonly payload: HeldPayload;
};

export class FrameOrder {
  readonly #heap: OrderedFrame[] = [];
  readonly #free: OrderedFrame[] = [];
  #arrivals = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** Start of the first frame, infinite when there is none. */
  get firstUs(): number {
    return this.#heap[0]?.startUs ?? Number.POSITIVE_INFINITY;
  }

  /** Copies a frame in. */
  push(startUs: number, duration: number, record: FrameRecord): void {
    const { track, ticks } = record;
    const frame = this.#free.pop() ?? { startUs, track, ticks, duration, arrival: 0, payload: new HeldPayload() };
    frame.payload.hold(record);
    frame.startUs = startUs;
    frame.track = track;
    frame.ticks = ticks;
    frame.duration = duration;
    frame.arrival = this.#arrivals++;
    let at = this.#heap.push(frame) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(frame, this.#heap[parent]!)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = frame;
  }

  /** Takes the first frame out. It is valid until `release`. */
  shift(): OrderedFrame | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && before(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (!before(this.#heap[child]!, last)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = last;
    return first;
  }

  release(frame: OrderedFrame): void {
    this.#free.push(frame);
  }
}

/** Equal starts keep the order they came in, so that a run is decoded the same way every time. */
const before = (one: OrderedFrame, other: OrderedFrame): boolean =>
  one.startUs < other.startUs || (one.startUs === other.startUs && one.arrival < other.arrival);
