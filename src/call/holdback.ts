/**
 * Frames that wait in memory, in the order they arrived: for their stream's line to be trusted, and for the lookback during which
 * a mask may still reach them (design §4, rules 2 and 8). Slots are used again, by whatever call of the thread, and zeroed before they are.
 */
import { soundless } from '../media/codecs/soundless.ts';
import { type Line, type PacketOrder, StreamTimeline } from '../media/timeline.ts';
import type { TrackSource } from '../record/track-source.ts';
import { copyBytes } from '../spool/frame-copy.ts';
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
  /** The memory that `bytes` lies in. */
  memory: DataView;
  length: number;
};

/** 20 ms of G.711, with room. */
const SLOT_BYTES = 256;
/** Slots are cut out of so much at a time; what is not used yet takes no memory. */
const SLAB_BYTES = 1 << 20;
/** Slots that are kept for later; each is a frame, in its own memory where that is longer. */
const MOST_SPARE = 4096;
const LONGEST_SPARE_BYTES = 2048;

// What a spare slot says it holds, so that it keeps no call in memory.
const NO_TIMELINE = new StreamTimeline(8000, () => -1);
const NO_SOURCE: TrackSource = {
  leg: 'a',
  ssrc: 0,
  codec: soundless({ name: 'CN', clockRate: 8000, channels: 1 }),
};

const spare: HeldFrame[] = [];

const makeSlot = (bytes: Buffer, memory: DataView): HeldFrame => ({
  timeline: NO_TIMELINE,
  source: NO_SOURCE,
  line: undefined,
  ticks: 0,
  duration: 0,
  arrivalUs: 0,
  order: 'inOrder',
  reachBackUs: 0,
  sinceUs: 0,
  bytes,
  memory,
  length: 0,
});

let slab = Buffer.alloc(0);
let slabView = new DataView(slab.buffer);
let slabUsed = 0;

const cutSlot = (): HeldFrame => {
  if (slabUsed === slab.length) {
    slab = Buffer.alloc(SLAB_BYTES);
    slabView = new DataView(slab.buffer);
    slabUsed = 0;
  }
  slabUsed += SLOT_BYTES;
  return makeSlot(slab.subarray(slabUsed - SLOT_BYTES, slabUsed), slabView);
};

const takeSlot = (length: number): HeldFrame => {
  const slot = spare.pop() ?? cutSlot();
  if (slot.bytes.length < length) {
    slot.bytes = Buffer.alloc(length);
    slot.memory = new DataView(slot.bytes.buffer);
  }
  return slot;
};

const giveSlot = (slot: HeldFrame): void => {
  slot.bytes.fill(0, 0, slot.length);
  slot.timeline = NO_TIMELINE;
  slot.source = NO_SOURCE;
  slot.line = undefined;
  if (spare.length < MOST_SPARE && slot.bytes.length <= LONGEST_SPARE_BYTES) spare.push(slot);
};

export class Holdback {
  /** Frames that wait. */
  length = 0;
  readonly #queue: HeldFrame[] = [];
  #head = 0;

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
    const frame = takeSlot(length);
    frame.timeline = timeline;
    frame.source = source;
    frame.line = undefined;
    frame.arrivalUs = arrivalUs;
    frame.length = length;
    copyBytes(bytes, start, end, frame.memory, frame.bytes.byteOffset);
    this.#queue.push(frame);
    this.length++;
    return frame;
  }

  /** Takes the first frame out, and zeroes it. */
  shift(): void {
    const frame = this.#queue[this.#head];
    if (frame === undefined) return;
    giveSlot(frame);
    this.#head++;
    this.length--;
    if (this.length === 0) {
      // A call mostly waits only when it begins: what it took for that is not kept.
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
