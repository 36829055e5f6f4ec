/**
 * Builds RTP as senders put it on the wire (RFC 3550 §5.1, RFC 4733), the oddities of real ones included. Pure: bytes and
 * times out, no socket. It never checks what it is given: a test may ask for a packet that no sender should send.
 */

export type RtpFields = {
  readonly payloadType: number;
  readonly sequence: number;
  /** In ticks of the stream's clock; taken modulo 2^32. */
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
  readonly marker?: boolean;
  readonly csrc?: readonly number[];
  /** RFC 3550 §5.3.1; `data` must be a multiple of 4 bytes. */
  readonly extension?: { readonly profile: number; readonly data: Uint8Array };
  /** How many bytes of padding end the packet, the count byte included: 1–255. */
  readonly padding?: number;
};

/** A packet on its way: when it leaves (or is captured), and its bytes beside the fields they were made of. */
export type TimedRtp = RtpFields & { readonly atUs: number; readonly data: Buffer };

export const rtpPacket = (fields: RtpFields): Buffer => {
  const csrc = fields.csrc ?? [];
  const extension = fields.extension;
  const padding = fields.padding ?? 0;
  const header = Buffer.alloc(12 + 4 * csrc.length + (extension === undefined ? 0 : 4 + extension.data.length));
  header[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extension === undefined ? 0 : 0x10) | csrc.length;
  header[1] = (fields.marker === true ? 0x80 : 0) | fields.payloadType;
  header.writeUInt16BE(fields.sequence & 0xffff, 2);
  header.writeUInt32BE(fields.timestamp >>> 0, 4);
  header.writeUInt32BE(fields.ssrc >>> 0, 8);
  for (const [index, source] of csrc.entries()) header.writeUInt32BE(source >>> 0, 12 + 4 * index);
  if (extension !== undefined) {
    const start = 12 + 4 * csrc.length;
    header.writeUInt16BE(extension.profile, start);
    header.writeUInt16BE(extension.data.length / 4, start + 2);
    header.set(extension.data, start + 4);
  }
  const tail = Buffer.alloc(padding);
  if (padding > 0) tail[padding - 1] = padding;
  return Buffer.concat([header, fields.payload, tail]);
};

/** A packet that has no sequence number yet; `sharesSequence` gives it that of the packet before it in the same event. */
type Send = {
  readonly atUs: number;
  readonly payloadType: number;
  readonly timestamp: number;
  readonly payload: Uint8Array;
  readonly marker: boolean;
  readonly sharesSequence: boolean;
};

/** Numbers the packets in the order they leave. */
const numbered = (sends: readonly Send[], ssrc: number, firstSequence: number): TimedRtp[] => {
  const inOrder = [...sends].sort((left, right) => left.atUs - right.atUs);
  const sequenceOfEvent = new Map<string, number>();
  let next = firstSequence;
  return inOrder.map(({ atUs, payloadType, timestamp, payload, marker, sharesSequence }) => {
    const event = `${payloadType}/${timestamp}`;
    const shared = sharesSequence ? sequenceOfEvent.get(event) : undefined;
    const sequence = (shared ?? next++) & 0xffff;
    sequenceOfEvent.set(event, sequence);
    const fields = { payloadType, sequence, timestamp: timestamp >>> 0, ssrc, marker, payload };
    return { ...fields, atUs, data: rtpPacket(fields) };
  });
};

const EVENTS = '0123456789*#ABCD';

/** RFC 4733 §3.2 table 7: digits are 0–9, `*` is 10, `#` is 11, A–D are 12–15. */
export const eventCode = (digit: string): number => {
  const code = digit.length === 1 ? EVENTS.indexOf(digit) : -1;
  if (code < 0) throw new RangeError('no telephone-event stands for this');
  return code;
};

export type EventOptions = {
  readonly digit: string;
  /** How long the key is held. */
  readonly durationMs: number;
  /** When the first packet leaves. */
  readonly atUs?: number;
  readonly payloadType?: number;
  readonly clockRate?: number;
  readonly volume?: number;
  /** Between updates; 20 ms, though some senders follow a ptime of 30. */
  readonly updateMs?: number;
  /** Duration field of the first packet in ticks: senders start at 0, at 1 or at one update (the default). */
  readonly firstDuration?: number;
  /** How often the end packet is sent: 3 by RFC 4733 §2.5.1.4; some send 1; 0 stands for all of them lost. */
  readonly ends?: number;
  /** Between the end packets: one update by the RFC; 0 for senders that send them back to back. */
  readonly endGapMs?: number;
  /** SIPp's habit: the end packets carry one sequence number. */
  readonly endsShareSequence?: boolean;
  /** Scales the duration field: 1/6 is an 8 kHz count in a 48 kHz stream (Asterisk), 2 a claim of twice the time (SIPp). */
  readonly durationScale?: number;
  /** Set on the first packet by RFC 4733 §2.3; some senders forget it. */
  readonly marker?: boolean;
};

const LONGEST_SEGMENT = 0xffff;

const eventSends = (options: EventOptions, timestamp: number): Send[] => {
  const { digit, durationMs, atUs = 0, payloadType = 101, clockRate = 8000, volume = 10, updateMs = 20 } = options;
  const { ends = 3, endGapMs = updateMs, durationScale = 1, marker = true, endsShareSequence = false } = options;
  const ticksPerMs = clockRate / 1000;
  const code = eventCode(digit);
  const send = (sentMs: number, heldTicks: number, extra: Partial<Send> & { end?: boolean } = {}): Send => {
    // RFC 4733 §2.5.1.3: an event longer than the field goes on as a new segment, with a later timestamp.
    const segment = Math.max(0, Math.ceil(heldTicks / LONGEST_SEGMENT) - 1);
    const payload = Buffer.from([code, (extra.end === true ? 0x80 : 0) | volume, 0, 0]);
    const claimed = Math.round((heldTicks - segment * LONGEST_SEGMENT) * durationScale);
    payload.writeUInt16BE(Math.min(LONGEST_SEGMENT, claimed), 2);
    return {
      atUs: atUs + Math.round(sentMs * 1000),
      payloadType,
      timestamp: timestamp + segment * LONGEST_SEGMENT,
      payload,
      marker: false,
      sharesSequence: false,
      ...extra,
    };
  };
  const sends: Send[] = [];
  const step = updateMs * ticksPerMs;
  const first = options.firstDuration ?? step;
  const whole = durationMs * ticksPerMs;
  for (let update = 0; update === 0 || update * updateMs < durationMs; update++) {
    sends.push(send(update * updateMs, Math.min(first + update * step, whole), { marker: marker && update === 0 }));
  }
  for (let repeat = 0; repeat < ends; repeat++) {
    const shared = endsShareSequence && repeat > 0;
    sends.push(send(durationMs + repeat * endGapMs, whole, { end: true, sharesSequence: shared }));
  }
  return sends;
};

/** One key press as its packets; all carry the event's start as their timestamp (RFC 4733 §2.5.1.2). */
export const telephoneEvent = (
  options: EventOptions & { readonly timestamp: number; readonly ssrc?: number; readonly sequence?: number },
): TimedRtp[] => numbered(eventSends(options, options.timestamp), options.ssrc ?? 1, options.sequence ?? 0);

export type StreamOptions = {
  readonly ssrc: number;
  readonly payloadType?: number;
  readonly clockRate?: number;
  readonly ptimeMs?: number;
  readonly startUs?: number;
  readonly sequence?: number;
  readonly timestamp?: number;
  /** How much faster the sender's clock runs than the capture's: positive packs more ticks into a second. */
  readonly clockPpm?: number;
};

/**
 * One sender on its media clock, written from left to right. Every method moves the clock on; `packets()` gives all that
 * was sent, in order of time.
 */
export class RtpStream {
  readonly #payloadType: number;
  readonly #ticksPerMs: number;
  readonly #ptimeMs: number;
  readonly #startUs: number;
  readonly #paceUsPerMs: number;
  readonly #done: TimedRtp[] = [];
  #sends: Send[] = [];
  #ssrc: number;
  #sequence: number;
  #timestamp: number;
  #positionMs = 0;
  #marker = true;

  constructor(options: StreamOptions) {
    this.#payloadType = options.payloadType ?? 0;
    this.#ticksPerMs = (options.clockRate ?? 8000) / 1000;
    this.#ptimeMs = options.ptimeMs ?? 20;
    this.#startUs = options.startUs ?? 0;
    this.#paceUsPerMs = 1000 / (1 + (options.clockPpm ?? 0) / 1e6);
    this.#ssrc = options.ssrc;
    this.#sequence = options.sequence ?? 0;
    this.#timestamp = options.timestamp ?? 0;
  }

  /** Since the stream's start, on the sender's clock. */
  get positionMs(): number {
    return this.#positionMs;
  }

  get timestamp(): number {
    return this.#timestamp;
  }

  get #atUs(): number {
    return this.#startUs + Math.round(this.#positionMs * this.#paceUsPerMs);
  }

  #advance(ms: number): void {
    this.#positionMs += ms;
    this.#timestamp += Math.round(ms * this.#ticksPerMs);
  }

  #send(payloadType: number, payload: Uint8Array): void {
    const at = { atUs: this.#atUs, timestamp: this.#timestamp };
    this.#sends.push({ ...at, payloadType, payload, marker: this.#marker, sharesSequence: false });
    this.#marker = false;
  }

  #flush(): void {
    const packets = numbered(this.#sends, this.#ssrc, this.#sequence);
    this.#done.push(...packets);
    this.#sequence = packets.length === 0 ? this.#sequence : packets.at(-1)!.sequence + 1;
    this.#sends = [];
  }

  /** One packet per payload, each a ptime long. */
  audio(...payloads: readonly Uint8Array[]): this {
    for (const payload of payloads) {
      this.#send(this.#payloadType, payload);
      this.#advance(this.#ptimeMs);
    }
    return this;
  }

  /** One packet of another payload type (comfort noise, another codec), a ptime long. */
  other(payloadType: number, payload: Uint8Array): this {
    this.#send(payloadType, payload);
    this.#advance(this.#ptimeMs);
    return this;
  }

  /** Discontinuous transmission: nothing is sent, the clock runs on, and a marker opens the next talkspurt (RFC 3551 §4.1). */
  pause(ms: number): this {
    this.#advance(ms);
    this.#marker = true;
    return this;
  }

  /** Packets that were sent and never arrived. */
  lose(count = 1): this {
    this.#flush();
    this.#sequence += count;
    this.#advance(count * this.#ptimeMs);
    return this;
  }

  /** A key press in place of audio, until its last end packet has left. */
  digit(digit: string, options: Omit<EventOptions, 'digit' | 'atUs' | 'clockRate'>): this {
    const event = { ...options, digit, atUs: this.#atUs, clockRate: this.#ticksPerMs * 1000 };
    const sends = eventSends(event, this.#timestamp);
    this.#sends.push(...sends);
    const lastMs = Math.max(options.durationMs, (sends.at(-1)!.atUs - event.atUs) / 1000 + 1);
    this.#advance(Math.ceil(lastMs / this.#ptimeMs) * this.#ptimeMs);
    this.#marker = true;
    return this;
  }

  /** The timestamp jumps while the clock does not: a sender that changed its source. */
  jump(ticks: number): this {
    this.#timestamp += ticks;
    this.#marker = true;
    return this;
  }

  /** A new SSRC with its own numbering, on the same clock. */
  restart(as: { readonly ssrc: number; readonly sequence?: number; readonly timestamp?: number }): this {
    this.#flush();
    this.#ssrc = as.ssrc;
    this.#sequence = as.sequence ?? 0;
    this.#timestamp = as.timestamp ?? 0;
    this.#marker = true;
    return this;
  }

  packets(): readonly TimedRtp[] {
    this.#flush();
    return this.#done;
  }
}
