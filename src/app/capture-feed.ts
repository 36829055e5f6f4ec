/** The second pass over a capture: its packets, each to its leg of its call, at the capture's own pace or as fast as they can be taken. */
import { blankPacket } from '../call/intake.ts';
import type { ByteSource } from '../core/byte-source.ts';
import type { Clock } from '../core/clock.ts';
import { CaptureReader } from '../ingest/capture/capture-reader.ts';
import { CaptureClock } from '../ingest/capture-clock.ts';
import type { Datagram } from '../ingest/datagram.ts';
import type { CapturePlan, PlannedCall, PlannedStream } from '../ingest/plan.ts';
import { PlanIndex, type Planned } from '../ingest/plan-index.ts';
import { RtpPacket } from '../media/rtp-packet.ts';
import type { LiveCall } from './live-call.ts';

/** Journals may lag this far behind the reader before it waits for them. */
const MOST_PENDING_BYTES = 4 << 20;
const LOOK_EVERY = 512;
/** A call whose packets have all been read is over this long after its last, by the capture's own times. */
const OVER_AFTER_US = 1_000_000;

/** A call that is being fed. */
type Fed = { readonly live: LiveCall; readonly times: CaptureClock<PlannedStream>; packetsLeft: number };

export class CaptureFeed {
  readonly #path: string;
  readonly #begin: (call: PlannedCall, startUs: number) => LiveCall;
  readonly #clock: Clock;
  readonly #speed: number;
  readonly #signal: AbortSignal | undefined;
  readonly #source: ByteSource | undefined;
  readonly #index: PlanIndex;
  readonly #calls = new Map<PlannedCall, Fed>();
  /** A call is begun once: begun anew it would know nothing of its masks. */
  readonly #over = new Set<PlannedCall>();
  readonly #packet = new RtpPacket();
  readonly #media = blankPacket('a');
  #startedUs = 0;
  #firstUs: number | undefined;
  #packets = 0;
  /** Times a stream's clock was found elsewhere than its call's. */
  #clockSteps = 0;
  /** Packets of calls that were over: the capture's times do not fit together. */
  #packetsTooLate = 0;

  /** @param speed times real time; infinite: as fast as it goes. @param begin makes a call when its first packet comes. @param source gives the capture's bytes, as for `CaptureReader`. */
  constructor(options: {
    path: string;
    plan: CapturePlan;
    begin: (call: PlannedCall, startUs: number) => LiveCall;
    clock: Clock;
    speed: number;
    signal?: AbortSignal | undefined;
    source?: ByteSource | undefined;
  }) {
    this.#path = options.path;
    this.#index = new PlanIndex(options.plan);
    this.#begin = options.begin;
    this.#clock = options.clock;
    this.#speed = options.speed;
    this.#signal = options.signal;
    this.#source = options.source;
  }

  /** Resolves when the capture has been read and every call has ended. */
  async run(onProgress: (bytes: number, total: number) => void): Promise<void> {
    this.#startedUs = this.#clock.now();
    const reader = new CaptureReader(this.#path, { onProgress, signal: this.#signal, source: this.#source });
    for await (const batch of reader.batches()) {
      for (const datagram of batch) {
        if (datagram.protocol !== 'udp' || !this.#packet.parse(datagram.payload)) continue;
        const planned = this.#index.find(datagram, this.#packet.ssrc);
        if (planned === undefined) continue;
        const taken = this.#take(datagram, planned);
        if (taken !== undefined) await taken;
      }
      this.#signal?.throwIfAborted();
      await this.#endOver(batch.at(-1)?.atUs ?? 0);
    }
    for (const [planned, fed] of this.#calls) await this.#end(planned, fed);
  }

  /** What was odd about the capture's times, a sentence each; whole when it has been read. */
  get warnings(): readonly string[] {
    const late = this.#packetsTooLate;
    return [
      ...(this.#clockSteps > 0
        ? ['the capturing clock was set back, or there was more than one; times were joined']
        : []),
      ...(late > 0 ? [`packets of calls that seemed to be over, by the capture's times: ${late}, not recorded`] : []),
    ];
  }

  /** Stops at once: every call ends where it is, and its journals are closed. */
  async abort(): Promise<void> {
    await Promise.allSettled([...this.#calls.values()].map(({ live }) => live.call.end('shutdown')));
    this.#calls.clear();
  }

  /** @returns a promise only when something has to be waited for, so that most packets cost none. */
  #take(datagram: Datagram, planned: Planned): Promise<void> | undefined {
    if (this.#over.has(planned.call)) {
      this.#packetsTooLate++;
      datagram.payload.fill(0);
      return undefined;
    }
    let fed = this.#calls.get(planned.call);
    if (fed === undefined) {
      const packetsLeft = planned.call.streams.reduce((sum, { packets }) => sum + packets, 0);
      const times = new CaptureClock<PlannedStream>();
      fed = { live: this.#begin(planned.call, times.at(planned.stream, datagram.atUs)), times, packetsLeft };
      this.#calls.set(planned.call, fed);
    }
    fed.packetsLeft--;
    const { live } = fed;
    const atUs = fed.times.at(planned.stream, datagram.atUs);
    if (this.#speed !== Number.POSITIVE_INFINITY || live.isDue(atUs) || ++this.#packets % LOOK_EVERY === 0) {
      return this.#takeSlowly(datagram, planned, live, atUs);
    }
    this.#give(datagram, planned, live, atUs);
    return live.control.pending ? live.control.run() : undefined;
  }

  async #takeSlowly(datagram: Datagram, planned: Planned, live: LiveCall, atUs: number): Promise<void> {
    await this.#pace(atUs);
    await live.advance(atUs);
    if (live.call.pendingBytes > MOST_PENDING_BYTES) await live.call.drained();
    this.#give(datagram, planned, live, atUs);
    await live.control.run();
  }

  #give(datagram: Datagram, planned: Planned, live: LiveCall, atUs: number): void {
    const packet = this.#packet;
    const media = this.#media;
    media.leg = planned.stream.leg;
    media.ssrc = packet.ssrc;
    media.sequence = packet.sequence;
    media.timestamp = packet.timestamp;
    media.marker = packet.marker;
    media.arrivalUs = atUs;
    // A payload that the capture cut short would play as noise: it is counted, not recorded.
    media.codec = datagram.cut ? undefined : planned.stream.codecAt(packet.payloadType, datagram.atUs);
    media.bytes = datagram.payload;
    media.start = packet.payloadStart;
    media.end = packet.payloadEnd;
    live.call.packet(media);
  }

  async #pace(atUs: number): Promise<void> {
    if (this.#speed === Number.POSITIVE_INFINITY) return;
    this.#firstUs ??= atUs;
    const dueUs = this.#startedUs + (atUs - this.#firstUs) / this.#speed;
    const waitMs = (dueUs - this.#clock.now()) / 1000;
    if (waitMs > 1) await this.#clock.sleep(waitMs, this.#signal);
  }

  async #endOver(capturedUs: number): Promise<void> {
    for (const [planned, fed] of this.#calls) {
      if (fed.packetsLeft <= 0 && capturedUs >= planned.lastUs + OVER_AFTER_US) await this.#end(planned, fed);
    }
  }

  async #end(planned: PlannedCall, { live, times }: Fed): Promise<void> {
    this.#calls.delete(planned);
    this.#over.add(planned);
    this.#clockSteps += times.steps;
    await live.control.run();
    await live.call.end();
  }
}
