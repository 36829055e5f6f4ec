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

export class Stream {
  readonly leg: Leg;
  readonly ssrc: number;
  readonly sequence = new SequenceTracker();
  readonly events = new TelephoneEventReceiver();
  /** Packets that carried events or comfort noise; packets that could not be used. */
  eventPackets = 0;
  unusable = 0;
  readonly #nextLine: () => number;
  readonly #timelines = new Map<number, StreamTimeline>();
  readonly #arrivals = new Map<number, ArrivalTimeline>();
  readonly #sources = new Map<WireCodec, TrackSource | undefined>();

  constructor(leg: Leg, ssrc: number, nextLine: () => number) {
    this.leg = leg;
    this.ssrc = ssrc;
    this.#nextLine = nextLine;
  }

  /** The stream in `wire`'s codec; undefined when nobody knows the codec. One object for one wire description. */
  source(wire: WireCodec): TrackSource | undefined {
    if (this.#sources.has(wire)) return this.#sources.get(wire);
    const codec: Codec | undefined = codecFor(wire);
    const source = codec === undefined ? undefined : { leg: this.leg, ssrc: this.ssrc, codec };
    this.#sources.set(wire, source);
    return source;
  }

  /** Another clock rate is another timestamp axis, even under the same SSRC (RFC 7160). */
  timeline(clockRate: number, queues = false): StreamTimeline {
    let timeline = this.#timelines.get(clockRate);
    if (timeline === undefined) {
      timeline = new StreamTimeline(clockRate, this.#nextLine, queues);
      this.#timelines.set(clockRate, timeline);
    }
    return timeline;
  }

  /** The same for a source without timestamps. */
  arrivals(clockRate: number): ArrivalTimeline {
    let timeline = this.#arrivals.get(clockRate);
    if (timeline === undefined) {
      timeline = new ArrivalTimeline(clockRate, this.#nextLine);
      this.#arrivals.set(clockRate, timeline);
    }
    return timeline;
  }
}
