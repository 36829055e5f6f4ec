/**
 * How the packets of one payload type of one stream behave: their sizes against their timestamps, their timestamps against the
 * capture's clock. What a codec is guessed from where no SDP names it. Pure; memory doesn't grow with the call.
 */
import { opusPacketSamples } from '../../media/codecs/opus-packet.ts';
import type { RtpPacket } from '../../media/rtp-packet.ts';
import { STATIC_PAYLOAD_TYPES } from '../../media/wire-codec.ts';
import { G711Likeness } from './g711-likeness.ts';

/** A longer step is a pause, or a jump, and says nothing about the packet before it: 120 ms at 48 kHz is 5760. */
const LONGEST_STEP = 1 << 15;
/** Packets further apart are no measure of the clock. */
const LONGEST_GAP_US = 2_000_000;
const MOST_PAIRS = 6;
/** Packets whose bytes are looked into, to tell opus, µ-law and A-law: 5 s. */
const HEARD_PACKETS = 256;
const LARGE_PAYLOAD = 200;
/** RFC 4733 and RFC 4734 name events below this number; beyond 16 they are fax and modem tones. */
const EVENT_CODES = 50;

/** A payload of `bytes` whose audio lasts `ticks`, and how often one was seen. */
type Pair = { readonly ticks: number; readonly bytes: number; count: number };

export class PayloadProfile {
  readonly payloadType: number;
  packets = 0;
  firstUs: number;
  lastUs: number;
  minBytes = Number.POSITIVE_INFINITY;
  maxBytes = 0;
  /** Packets with one right behind them in sequence and later in timestamp, no talkspurt between: what the rest is measured on. */
  steps = 0;
  /** Of the first steps: how many are as long as an opus packet of these bytes plays, and how many are not. */
  opusSteps = 0;
  otherSteps = 0;
  /** Large packets with the same timestamp as the one before. */
  stillLarge = 0;
  /** Payloads of four bytes that read as a telephone-event, and those that go on with the one before. */
  events = 0;
  eventsHeld = 0;
  /** Packets that were measured at all: complete, and ahead in sequence. */
  measured = 0;
  /** Whether the timestamp ever moved. */
  moves = false;
  readonly #likeness: G711Likeness | undefined;
  readonly #pairs: Pair[] = [];
  #clockTicks = 0;
  #clockUs = 0;
  #sequence = 0;
  #timestamp = 0;
  #atUs = 0;
  #bytes = 0;
  /** How long the latest packet plays if it is opus; -1 when it was not looked into. */
  #opusTicks = -1;
  #eventDuration = -1;

  constructor(payloadType: number, atUs: number) {
    this.payloadType = payloadType;
    this.firstUs = atUs;
    this.lastUs = atUs;
    if (!STATIC_PAYLOAD_TYPES.has(payloadType)) this.#likeness = new G711Likeness();
  }

  /** Counts a packet, whatever its order. */
  count(atUs: number): void {
    this.packets++;
    if (atUs > this.lastUs) this.lastUs = atUs;
    else if (atUs < this.firstUs) this.firstUs = atUs;
  }

  /** Measures a complete packet that is ahead, in sequence, of all packets of this stream before it. */
  measure(packet: RtpPacket, data: Uint8Array, atUs: number): void {
    const { payloadStart, payloadEnd } = packet;
    const bytes = payloadEnd - payloadStart;
    const ticks = (packet.timestamp - this.#timestamp) | 0;
    if (this.measured > 0) {
      if (ticks !== 0) this.moves = true;
      else if (bytes > LARGE_PAYLOAD) this.stillLarge++;
      if (!packet.marker && ticks > 0 && ticks <= LONGEST_STEP) {
        this.#clock(ticks, atUs - this.#atUs);
        if (((packet.sequence - this.#sequence) & 0xffff) === 1) this.#step(ticks);
      }
    }
    if (bytes < this.minBytes) this.minBytes = bytes;
    if (bytes > this.maxBytes) this.maxBytes = bytes;
    this.#measureEvent(data, payloadStart, bytes, ticks);
    this.#opusTicks = -1;
    if (this.#likeness !== undefined && this.measured < HEARD_PACKETS) {
      this.#opusTicks = opusPacketSamples(data.subarray(payloadStart, payloadEnd));
      this.#likeness.push(data, payloadStart, payloadEnd);
    }
    this.measured++;
    this.#sequence = packet.sequence;
    this.#timestamp = packet.timestamp;
    this.#atUs = atUs;
    this.#bytes = bytes;
  }

  /** The share of steps, 0–1, whose packet has `bytesPerTick` bytes for each tick, and `more` bytes. */
  shareOf(bytesPerTick: number, more = 0): number {
    if (this.steps === 0) return 0;
    let fitting = 0;
    for (const { ticks, bytes, count } of this.#pairs) {
      // Not `===`: 33 bytes per 160 ticks is no exact fraction.
      if (Math.abs(ticks * bytesPerTick + more - bytes) < 0.01) fitting += count;
    }
    return fitting / this.steps;
  }

  /** The timestamp step seen most, in ticks; 0 when none was. */
  get usualStep(): number {
    let usual: Pair | undefined;
    for (const pair of this.#pairs) if (usual === undefined || pair.count > usual.count) usual = pair;
    return usual?.ticks ?? 0;
  }

  /** Ticks per second of the capture's clock; `undefined` when the capture gives its packets no time to measure by. */
  get measuredRate(): number | undefined {
    return this.#clockUs > 0 ? (this.#clockTicks * 1e6) / this.#clockUs : undefined;
  }

  get law(): 'PCMU' | 'PCMA' | undefined {
    return this.#likeness?.law;
  }

  /** The sum runs over lost packets, so that what one packet's delay adds, the next one's takes away. */
  #clock(ticks: number, elapsedUs: number): void {
    if (Math.abs(elapsedUs) > LONGEST_GAP_US) return;
    this.#clockTicks += ticks;
    this.#clockUs += elapsedUs;
  }

  /** The packet before this one is now known to have lasted `ticks`. */
  #step(ticks: number): void {
    this.steps++;
    if (this.#opusTicks === ticks) this.opusSteps++;
    else if (this.#opusTicks >= 0) this.otherSteps++;
    for (const pair of this.#pairs) {
      if (pair.ticks === ticks && pair.bytes === this.#bytes) {
        pair.count++;
        return;
      }
    }
    if (this.#pairs.length < MOST_PAIRS) {
      this.#pairs.push({ ticks, bytes: this.#bytes, count: 1 });
      return;
    }
    // Misra and Gries: what is frequent outlives what is not, in a table of fixed size.
    for (let index = this.#pairs.length - 1; index >= 0; index--) {
      if (--this.#pairs[index]!.count === 0) this.#pairs.splice(index, 1);
    }
  }

  #measureEvent(data: Uint8Array, start: number, bytes: number, ticks: number): void {
    const reads = bytes === 4 && data[start]! < EVENT_CODES && (data[start + 1]! & 0x40) === 0;
    const duration = reads ? (data[start + 2]! << 8) | data[start + 3]! : -1;
    if (reads) this.events++;
    if (reads && ticks === 0 && this.measured > 0 && this.#eventDuration >= 0 && duration >= this.#eventDuration) {
      this.eventsHeld++;
    }
    this.#eventDuration = duration;
  }
}
