/**
 * A call's packets, from the wire to the gate: each leg's streams follow sequence and timestamps, and frames wait in memory while
 * their line is in doubt or a mask's lookback may still reach them. What leaves here, in order of arrival, has a place on the
 * call's clock. Nothing is written here. Times in µs.
 */
import { LEGS, type Leg } from '../core/leg.ts';
import type { Untimed } from '../media/arrival-timeline.ts';
import type { SequenceVerdict } from '../media/sequence.ts';
import type { DtmfSymbol } from '../media/telephone-event.ts';
import type { PacketOrder } from '../media/timeline.ts';
import type { WireCodec } from '../media/wire-codec.ts';
import type { TrackSource } from '../record/track-source.ts';
import { emptyTally, type LegTally } from '../spool/journal-record.ts';
import { Holdback } from './holdback.ts';
import type { MaskGate } from './mask-gate.ts';
import { type PacketTimeline, Stream } from './stream.ts';
import { TONE_HOLD_US, ToneWatch } from './tone-watch.ts';

/** One RTP packet of a leg. `bytes[start, end)` is its payload; it is zeroed when it may not be kept. The object may be used again. */
export type MediaPacket = {
  leg: Leg;
  ssrc: number;
  sequence: number;
  timestamp: number;
  marker: boolean;
  arrivalUs: number;
  /** What its payload type stands for; undefined when nobody knows. */
  codec: WireCodec | undefined;
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Its source has no timestamps: `timestamp` counts its audio as if it were seamless, and its arrival places it. */
  untimed?: Untimed | undefined;
  /** Its path keeps what it can't send, for as long as it takes: TCP. */
  queues?: boolean;
};

/** A leg's packet with nothing in it, to be filled again and again. */
export const blankPacket = (leg: Leg): MediaPacket => ({
  leg,
  ssrc: 0,
  sequence: 0,
  timestamp: 0,
  marker: false,
  arrivalUs: 0,
  codec: undefined,
  bytes: Buffer.alloc(0),
  start: 0,
  end: 0,
  untimed: undefined,
  queues: false,
});

/** A digit begins on a leg. It is card data: it goes to the metaflow machine and nowhere else. */
export type DigitListener = (leg: Leg, digit: DtmfSymbol, atUs: number) => void;

const ORDERS = { next: 'inOrder', restart: 'inOrder', late: 'overtaken', stray: 'stray' } as const satisfies Readonly<
  Record<Exclude<SequenceVerdict, 'duplicate'>, PacketOrder>
>;

/** A leg's sources; a sender that begins anew with every packet has more, and what is beyond these is counted and not recorded. */
const MOST_STREAMS = 1024;
/** Frames of a call that wait, so that a flood does not fill the memory: ten times what two legs send in the longest lookback. What is beyond is counted and not recorded. */
export const MOST_HELD = 20_000;

export class Intake {
  /** How long frames wait for a mask that reaches back. */
  lookbackUs = 0;
  /** What comes may have waited since then, and is held. */
  holdingSinceUs: number | undefined;
  /** While that holds: what arrived later than this is not let go. */
  holdBehindUs = Number.POSITIVE_INFINITY;
  /** Since when the first source that sends nothing in silence has been there: what it has not sent since then is silence. */
  silentSinceUs: number | undefined;
  readonly #gate: MaskGate;
  readonly #onDigit: DigitListener;
  readonly #streams: Record<Leg, Map<number, Stream>> = { a: new Map(), b: new Map() };
  /** Of each leg, the one that sent last. */
  #latestA: Stream | undefined;
  #latestB: Stream | undefined;
  /** Packets of sources beyond those. */
  readonly #beyond: Record<Leg, number> = { a: 0, b: 0 };
  readonly #held = new Holdback();
  /** Undefined unless tones are redacted; a source that can't be watched has no watch. */
  readonly #watches: Map<TrackSource, ToneWatch | undefined> | undefined;
  readonly #onUnwatched: (codec: string) => void;
  #lines = 0;

  constructor(options: {
    gate: MaskGate;
    onDigit: DigitListener;
    redactTones: boolean;
    /** Told once for each source whose codec can't be watched for tones. */
    onUnwatched: (codec: string) => void;
  }) {
    this.#gate = options.gate;
    this.#onDigit = options.onDigit;
    this.#watches = options.redactTones ? new Map() : undefined;
    this.#onUnwatched = options.onUnwatched;
  }

  /** Whether both legs have sent. */
  get isBridged(): boolean {
    return this.#streams.a.size > 0 && this.#streams.b.size > 0;
  }

  /** Whether frames wait to be placed or for a lookback. */
  get isWaiting(): boolean {
    return this.#held.length > 0;
  }

  tallies(): Record<Leg, LegTally> {
    const tallies = { a: emptyTally(), b: emptyTally() };
    for (const leg of LEGS) {
      const tally = tallies[leg];
      tally.received += this.#beyond[leg];
      tally.unusable += this.#beyond[leg];
      for (const { sequence, eventPackets, unusable } of this.#streams[leg].values()) {
        tally.received += sequence.received;
        tally.lost += sequence.lost;
        tally.late += sequence.late;
        tally.duplicate += sequence.duplicate;
        tally.events += eventPackets;
        tally.unusable += unusable;
      }
    }
    return tallies;
  }

  packet(packet: MediaPacket): void {
    const { leg, ssrc } = packet;
    const latest = leg === 'a' ? this.#latestA : this.#latestB;
    const stream = latest?.ssrc === ssrc ? latest : this.#stream(leg, ssrc);
    if (stream === undefined) {
      this.#beyond[leg]++;
      packet.bytes.fill(0, packet.start, packet.end);
      return;
    }
    const verdict = stream.sequence.push(packet.sequence, packet.timestamp);
    const source = packet.codec === undefined ? undefined : stream.source(packet.codec);
    if (source !== undefined && source.codec.decodedBy !== 'none' && verdict !== 'duplicate') {
      this.#audio(stream, source, packet, ORDERS[verdict]);
      return;
    }
    if (source === undefined) stream.unusable++;
    else if (source.codec.decodedBy === 'none') this.#event(stream, source, packet);
    packet.bytes.fill(0, packet.start, packet.end);
  }

  /** Lets go, in order of arrival, of what no mask can reach any more and whose line is decided. */
  release(nowUs: number): void {
    if (this.#held.length === 0) return;
    const wait = this.#watches === undefined ? this.lookbackUs : Math.max(this.lookbackUs, TONE_HOLD_US);
    for (let frame = this.#held.first(); frame !== undefined; frame = this.#held.first()) {
      const { source, line, ticks, duration, arrivalUs, timeline } = frame;
      if (arrivalUs > this.holdBehindUs) return;
      if (line === undefined) {
        if (!timeline.isResolvable(nowUs)) return;
        this.#resolve(timeline);
        continue;
      }
      // Placed anew: its line may be known better now than when it came.
      timeline.placeHeld(line, ticks, duration, arrivalUs, frame.order);
      // A frame that is placed after its arrival must not hold up the others.
      if (wait > 0 && Math.min(timeline.endUs, arrivalUs) > nowUs - wait) return;
      this.#gate.placement.take(timeline, line, arrivalUs, ticks, frame.reachBackUs, frame.sinceUs);
      if (this.#watches?.get(source)?.isTone(ticks, duration)) this.#gate.redact(source, frame.bytes, 0, frame.length);
      else this.#gate.judge(source, frame.bytes, 0, frame.length);
      this.#held.shift();
    }
  }

  /** Lets go of everything: the call is over. */
  releaseAll(): void {
    this.lookbackUs = 0;
    this.holdingSinceUs = undefined;
    this.holdBehindUs = Number.POSITIVE_INFINITY;
    for (const watch of this.#watches?.values() ?? []) watch?.end();
    this.release(Number.POSITIVE_INFINITY);
  }

  #stream(leg: Leg, ssrc: number): Stream | undefined {
    const streams = this.#streams[leg];
    let stream = streams.get(ssrc);
    if (stream === undefined && streams.size < MOST_STREAMS) {
      stream = new Stream(leg, ssrc, () => this.#lines++);
      streams.set(ssrc, stream);
    }
    if (leg === 'a') this.#latestA = stream;
    else this.#latestB = stream;
    return stream;
  }

  #event(stream: Stream, source: TrackSource, packet: MediaPacket): void {
    stream.eventPackets++;
    if (source.codec.wire.name !== 'TELEPHONE-EVENT') return;
    const payload = packet.bytes.subarray(packet.start, packet.end);
    for (const event of stream.events.push(payload, packet.timestamp, packet.marker, packet.ssrc, packet.arrivalUs)) {
      if (event.kind === 'started') this.#onDigit(stream.leg, event.symbol, packet.arrivalUs);
    }
  }

  #audio(stream: Stream, source: TrackSource, packet: MediaPacket, order: PacketOrder): void {
    const { bytes, start, end, arrivalUs } = packet;
    stream.measure(source, bytes, start, end);
    const { duration } = stream;
    // No audio in it: what else it is nobody knows, telephone-events under an unknown number perhaps.
    if (duration === 0) {
      stream.unusable++;
      bytes.fill(0, start, end);
      return;
    }
    if (packet.untimed !== undefined) this.silentSinceUs ??= packet.untimed.sinceUs;
    const { clockRate } = source.codec.wire;
    const timeline =
      packet.untimed === undefined ? stream.timeline(clockRate, packet.queues) : stream.arrivals(clockRate);
    const placed =
      ('push' in timeline
        ? timeline.push(packet.timestamp, duration, arrivalUs, stream.sequence.extended, order)
        : timeline.pushUntimed(duration, arrivalUs, packet.untimed!)) === 'placed';
    const ticks = timeline.extended;
    const line = placed ? timeline.placedLine : undefined;
    const reachBackUs = (stream.reachBack * 1e6) / clockRate;
    if (this.#watches !== undefined) this.#watch(this.#watches, source, ticks, duration, bytes.subarray(start, end));
    else if (
      line !== undefined &&
      this.#held.length === 0 &&
      this.lookbackUs === 0 &&
      this.holdingSinceUs === undefined
    ) {
      this.#gate.placement.take(timeline, line, arrivalUs, ticks, reachBackUs, arrivalUs);
      this.#gate.judge(source, bytes, start, end);
      return;
    }
    if (this.#held.length >= MOST_HELD) {
      stream.unusable++;
      bytes.fill(0, start, end);
      return;
    }
    const held = this.#held.push(timeline, source, arrivalUs, bytes, start, end);
    held.ticks = ticks;
    held.duration = duration;
    held.order = order;
    held.reachBackUs = reachBackUs;
    held.sinceUs = Math.min(arrivalUs, this.holdingSinceUs ?? arrivalUs);
    held.line = line;
    // The copy is judged; nothing of the frame stays where it came in.
    bytes.fill(0, start, end);
    // Not only when the first that wait have waited long enough: by then the timestamps may have jumped again.
    if (!placed && arrivalUs <= this.holdBehindUs && timeline.isResolvable(arrivalUs)) this.#resolve(timeline);
    this.release(arrivalUs);
  }

  #watch(
    watches: Map<TrackSource, ToneWatch | undefined>,
    source: TrackSource,
    ticks: number,
    duration: number,
    payload: Uint8Array,
  ): void {
    if (!watches.has(source)) {
      const watch = ToneWatch.of(source.codec);
      watches.set(source, watch);
      if (watch === undefined) this.#onUnwatched(source.codec.wire.name);
    }
    watches.get(source)?.push(ticks, duration, payload);
  }

  /** Decides the line of every frame that waits for this timeline's. */
  #resolve(timeline: PacketTimeline): void {
    timeline.resolve();
    for (const frame of this.#held) {
      if (frame.timeline !== timeline || frame.line !== undefined) continue;
      frame.line = timeline.lineOfHeld(frame.ticks, frame.duration, frame.arrivalUs);
    }
  }
}
