/**
 * Receives named telephone events (RFC 4733 §2.3) of one leg and tells each key press once: when its first packet came and when it
 * ended. Pure: no clock, no I/O; allocates only when a key is pressed or released.
 *
 *      0                   1                   2                   3
 *     |     event     |E|R| volume    |          duration             |
 *
 * A press is known by SSRC, timestamp and event, never by sequence number: real senders repeat it or not, as they like. The start
 * is told on the first packet seen of it, even when that is the end packet. Digits are card data: never log what this returns.
 */

/** Index is the event code: 0–9, `*`, `#`, A–D (RFC 4733 §3.2, table 3). Codes from 16 on (flash, tones) are not keys. */
export const DTMF_SYMBOLS = '0123456789*#ABCD';

export type DtmfSymbol = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D';

export type KeyEvent = {
  readonly kind: 'started' | 'ended';
  readonly symbol: DtmfSymbol;
  readonly ssrc: number;
  /** RTP timestamp at which the press began. */
  readonly timestamp: number;
  /** Arrival of the packet that told it, µs; for an end that a later press implies, that press's arrival. */
  readonly atUs: number;
  /** How long the press lasted as far as its packets said, in ticks of the RTP clock; senders are known to claim twice the truth. */
  readonly durationTicks: number;
};

const NOTHING: readonly KeyEvent[] = Object.freeze([]);

/** Presses that are remembered, so that a late packet of an older one is no new press. */
const REMEMBERED = 32;
/** RFC 4733 §2.5.1.3: a longer press goes on in a new segment whose timestamp is this much later. */
const SEGMENT_TICKS = 0xffff;
/** How far off a segment may begin: one packet of 20 ms at 48 kHz. */
const SEGMENT_SLACK_TICKS = 960;
/**
 * A sender that plays a recording of a key again repeats SSRC and timestamp (SIPp does). It counts as a new press when the former one
 * ended, nothing of it came for this long, and the packet says that it is a first one.
 */
const REPLAYED_AFTER_US = 1_000_000;

export class TelephoneEventReceiver {
  // A ring, one slot per press; typed arrays so that no packet allocates.
  readonly #ssrc = new Uint32Array(REMEMBERED);
  /** Timestamp of the running segment, and of the press's first. */
  readonly #segment = new Uint32Array(REMEMBERED);
  readonly #start = new Uint32Array(REMEMBERED);
  /** Event code + 1; 0 is a free slot. */
  readonly #event = new Uint8Array(REMEMBERED);
  readonly #ended = new Uint8Array(REMEMBERED);
  readonly #duration = new Float64Array(REMEMBERED);
  readonly #seenUs = new Float64Array(REMEMBERED);
  #newest = -1;

  /**
   * Takes one packet's payload; never throws.
   * @param payload zero or more whole events; a cut one is ignored.
   * @param timestamp the RTP header's, 32 bits: when the first event began.
   * @param arrivalUs µs; what the events tell as their time.
   * @returns what this packet told, in order; the same empty array whenever that is nothing.
   */
  push(payload: Uint8Array, timestamp: number, marker: boolean, ssrc: number, arrivalUs: number): readonly KeyEvent[] {
    let told = NOTHING as KeyEvent[];
    let began = timestamp;
    for (let at = 0; at + 4 <= payload.length; at += 4) {
      const code = payload[at]!;
      const end = payload[at + 1]! >= 0x80;
      const duration = (payload[at + 2]! << 8) | payload[at + 3]!;
      // RFC 4733 §2.5.1.5: in a combined payload each event is over and begins where the one before it ended. Anything else
      // behind the first event is padding, which would read as presses of 0.
      if (at > 0 && (!end || duration === 0)) break;
      if (code < DTMF_SYMBOLS.length) told = this.#take(told, code, began, end, duration, marker, ssrc, arrivalUs);
      if (!end) break;
      began = (began + duration) >>> 0;
    }
    return told;
  }

  #take(
    told: KeyEvent[],
    code: number,
    timestamp: number,
    end: boolean,
    duration: number,
    marker: boolean,
    ssrc: number,
    arrivalUs: number,
  ): KeyEvent[] {
    let events = told;
    let slot = this.#find(code, timestamp, ssrc);
    if (slot >= 0 && this.#isReplayed(slot, end, marker, arrivalUs)) {
      this.#event[slot] = 0;
      slot = -1;
    }
    if (slot < 0 && this.#continues(code, timestamp, marker, ssrc)) {
      slot = this.#newest;
      this.#segment[slot] = timestamp;
    }
    if (slot < 0) {
      const before = this.#newest;
      // Its end packets were lost: a key is released before the next is pressed.
      if (before >= 0 && !this.#ended[before]) events = this.#end(events, before, arrivalUs);
      slot = this.#remember(code, timestamp, ssrc);
      events = this.#tell(events, 'started', slot, arrivalUs);
    }
    this.#seenUs[slot] = arrivalUs;
    // Modulo 2³², so that a press may run over the wrap; a late packet of an earlier segment or moment doesn't shorten it.
    const lasted = ((timestamp - this.#start[slot]!) >>> 0) + duration;
    if (timestamp === this.#segment[slot] && lasted > this.#duration[slot]!) this.#duration[slot] = lasted;
    return end && !this.#ended[slot] ? this.#end(events, slot, arrivalUs) : events;
  }

  /** The slot of a press that is known, by any of its segments; -1 when there is none. */
  #find(code: number, timestamp: number, ssrc: number): number {
    for (let slot = 0; slot < REMEMBERED; slot++) {
      if (this.#event[slot] !== code + 1 || this.#ssrc[slot] !== ssrc) continue;
      if (this.#segment[slot] === timestamp || this.#start[slot] === timestamp) return slot;
      // Those between the first segment and the running one lie a whole number of segments after the start.
      const since = (timestamp - this.#start[slot]!) >>> 0;
      if (since <= (this.#segment[slot]! - this.#start[slot]!) >>> 0 && nearSegmentEdge(since)) return slot;
    }
    return -1;
  }

  #isReplayed(slot: number, end: boolean, marker: boolean, arrivalUs: number): boolean {
    return marker && !end && this.#ended[slot] === 1 && arrivalUs - this.#seenUs[slot]! >= REPLAYED_AFTER_US;
  }

  /** Whether the packet goes on with the newest press in a new segment: same key, not over, no marker, one segment later. */
  #continues(code: number, timestamp: number, marker: boolean, ssrc: number): boolean {
    const slot = this.#newest;
    if (slot < 0 || marker || this.#ended[slot] || this.#event[slot] !== code + 1 || this.#ssrc[slot] !== ssrc)
      return false;
    const since = (timestamp - this.#segment[slot]!) >>> 0;
    return since <= SEGMENT_TICKS + SEGMENT_SLACK_TICKS && nearSegmentEdge(since);
  }

  #remember(code: number, timestamp: number, ssrc: number): number {
    const slot = (this.#newest + 1) % REMEMBERED;
    this.#newest = slot;
    this.#ssrc[slot] = ssrc;
    this.#segment[slot] = timestamp;
    this.#start[slot] = timestamp;
    this.#event[slot] = code + 1;
    this.#ended[slot] = 0;
    this.#duration[slot] = 0;
    return slot;
  }

  #end(told: KeyEvent[], slot: number, atUs: number): KeyEvent[] {
    this.#ended[slot] = 1;
    return this.#tell(told, 'ended', slot, atUs);
  }

  #tell(told: KeyEvent[], kind: KeyEvent['kind'], slot: number, atUs: number): KeyEvent[] {
    const events = told.length === 0 ? [] : told;
    events.push({
      kind,
      symbol: DTMF_SYMBOLS[this.#event[slot]! - 1] as DtmfSymbol,
      ssrc: this.#ssrc[slot]!,
      timestamp: this.#start[slot]!,
      atUs,
      durationTicks: this.#duration[slot]!,
    });
    return events;
  }
}

/** Whether a distance of timestamps is one segment or several, within the slack. */
const nearSegmentEdge = (ticks: number): boolean => {
  const nearest = Math.max(1, Math.round(ticks / SEGMENT_TICKS)) * SEGMENT_TICKS;
  return Math.abs(ticks - nearest) <= SEGMENT_SLACK_TICKS;
};
