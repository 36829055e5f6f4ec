/** One SSRC on one leg: its sequence numbers, its timestamps on the call's clock, its telephone events. No clock, no I/O. */
import type { Leg } from '../core/leg.ts';
import { ArrivalTimeline } from '../media/arrival-timeline.ts';
import type { Codec } from '../media/codec.ts';
import { codecFor } from '../media/codecs/registry.ts';
import { SequenceTracker } from '../media/sequence.ts';
import { TelephoneEventReceiver } from '../media/telephone-event.ts';
import { StreamTimeline } from '../media/timeline.ts';
import type { WireCodec } from '../media/wire-codec.ts';
import type { TrackSource } from '../record/track-source.ts';

/** By its own timestamps, or by arrival where it has none. */
export type PacketTimeline = StreamTimeline | ArrivalTimeline;

/** One codec for one wire description, whatever the stream: it keeps nothing of what it has seen. */
const codecs = new WeakMap<WireCodec, Codec>();

const codecOf = (wire: WireCodec): Codec | undefined => {
  let codec = codecs.get(wire);
  if (codec === undefined) {
    codec = codecFor(wire);
    if (codec !== undefined) codecs.set(wire, codec);
  }
  return codec;
};

type StreamSource = { readonly wire: WireCodec; readonly source: TrackSource | undefined };

export class Stream {
  readonly leg: Leg;
  readonly ssrc: number;
  readonly sequence = new SequenceTracker();
  /** Of the latest payload that was measured: how long it plays and how far it reaches back, in ticks. */
  duration = 0;
  reachBack = 0;
  /** Its length; none of another source's. */
  #measured = -1;
  /** Packets that carried events or comfort noise; packets that could not be used. */
  eventPackets = 0;
  unusable = 0;
  readonly #nextLine: () => number;
  #events: TelephoneEventReceiver | undefined;
  // Few of each, and nearly always the one that was asked for last: a map for each costs more than all else here.
  readonly #timelines: StreamTimeline[] = [];
  readonly #arrivals: ArrivalTimeline[] = [];
  readonly #sources: StreamSource[] = [];
  #latest: StreamSource | undefined;
  #timeline: StreamTimeline | undefined;

  constructor(leg: Leg, ssrc: number, nextLine: () => number) {
    this.leg = leg;
    this.ssrc = ssrc;
    this.#nextLine = nextLine;
  }

  get events(): TelephoneEventReceiver {
    this.#events ??= new TelephoneEventReceiver();
    return this.#events;
  }

  /** The stream in `wire`'s codec; undefined when nobody knows the codec. One object for one wire description. */
  source(wire: WireCodec): TrackSource | undefined {
    if (this.#latest?.wire !== wire) this.#latest = this.#sourceOf(wire);
    return this.#latest.source;
  }

  /** Finds `duration` and `reachBack` of a payload of `source`, anew only where they may be others than the last one's. */
  measure({ codec }: TrackSource, bytes: Uint8Array, start: number, end: number): void {
    if (codec.byLength === true && this.#measured === end - start) return;
    const payload = bytes.subarray(start, end);
    this.#measured = payload.length;
    this.duration = codec.duration(payload);
    this.reachBack = codec.reachBack?.(payload) ?? 0;
  }

  /** Another clock rate is another timestamp axis, even under the same SSRC (RFC 7160). */
  timeline(clockRate: number, queues = false): StreamTimeline {
    if (this.#timeline?.clockRate === clockRate) return this.#timeline;
    let timeline = this.#timelines.find((each) => each.clockRate === clockRate);
    if (timeline === undefined) {
      timeline = new StreamTimeline(clockRate, this.#nextLine, queues);
      this.#timelines.push(timeline);
    }
    this.#timeline = timeline;
    return timeline;
  }

  /** The same for a source without timestamps. */
  arrivals(clockRate: number): ArrivalTimeline {
    let timeline = this.#arrivals.find((each) => each.clockRate === clockRate);
    if (timeline === undefined) {
      timeline = new ArrivalTimeline(clockRate, this.#nextLine);
      this.#arrivals.push(timeline);
    }
    return timeline;
  }

  #sourceOf(wire: WireCodec): StreamSource {
    this.#measured = -1;
    const known = this.#sources.find((each) => each.wire === wire);
    if (known !== undefined) return known;
    const codec = codecOf(wire);
    const made = { wire, source: codec === undefined ? undefined : { leg: this.leg, ssrc: this.ssrc, codec } };
    this.#sources.push(made);
    return made;
  }
}
