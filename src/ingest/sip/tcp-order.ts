/**
 * Puts one direction of a TCP connection back in order (RFC 9293 §3.4): 32-bit sequence numbers that wrap, retransmissions,
 * overlaps, reordering, and holes that the capture never fills. Pure: bytes in, bytes out, time from the segments; at most
 * `MOST_HELD` bytes wait for a hole.
 */

export type TcpSegment = {
  readonly atUs: number;
  readonly payload: Uint8Array;
  /** The capture lacks the end of the payload. */
  readonly cut: boolean;
  /** Of the payload's first byte. */
  readonly tcpSequence: number;
  readonly tcpSyn: boolean;
};

export type TcpOrderSink = {
  /** The next bytes of the stream; a view that is valid during the call. */
  bytes(chunk: Uint8Array, atUs: number): void;
  /** What follows doesn't join on to what came before: bytes are missing, or another connection began. */
  gap(): void;
};

const MOST_HELD = 64 * 1024;
const MOST_SEGMENTS = 512;
/** Real retransmissions come within a second or two; a hole that is older was dropped by the capture. */
const OLDEST_HOLE_US = 3_000_000;
/** No window in use for signalling reaches this far: such a number belongs to another connection on the same ports. */
const FARTHEST = 1 << 20;

export class TcpOrder {
  readonly #sink: TcpOrderSink;
  #expected: number | undefined;
  /** In sequence order, all ahead of `#expected`. */
  #held: TcpSegment[] = [];
  #heldBytes = 0;
  #holeSinceUs = 0;
  /** The segment before the hole was cut, so the hole will stay. */
  #afterCut = false;

  constructor(sink: TcpOrderSink) {
    this.#sink = sink;
  }

  /** Bytes that wait for a hole to be filled: at most `MOST_HELD` after each push. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(segment: TcpSegment): void {
    if (segment.tcpSyn) this.#open(segment.tcpSequence >>> 0);
    if (segment.payload.length === 0) return;
    this.#expected ??= segment.tcpSequence >>> 0;
    const ahead = this.#ahead(segment);
    if (Math.abs(ahead) > FARTHEST) this.#open(segment.tcpSequence >>> 0);
    if (ahead > 0 && ahead <= FARTHEST) this.#hold(segment);
    else this.#deliver(segment);
    this.#drain();
    while (this.#held.length > 0 && this.#holeIsLost(segment.atUs)) this.#skipHole();
  }

  /** The capture has ended: what waits behind holes is delivered as it is. */
  finish(): void {
    while (this.#held.length > 0) this.#skipHole();
  }

  #open(sequence: number): void {
    if (this.#expected === sequence) return; // A repeated SYN, or the first one of a connection that continues in order.
    if (this.#expected !== undefined) this.#sink.gap();
    this.#expected = sequence;
    this.#held = [];
    this.#heldBytes = 0;
    this.#afterCut = false;
  }

  /** Signed distance in bytes from what is expected next; the subtraction wraps as the numbers do. */
  #ahead(segment: TcpSegment): number {
    return (segment.tcpSequence - this.#expected!) | 0;
  }

  #deliver(segment: TcpSegment): void {
    const overlap = -this.#ahead(segment);
    if (overlap < 0 || overlap >= segment.payload.length) return; // All of it is known: a retransmission.
    this.#expected = (segment.tcpSequence + segment.payload.length) >>> 0;
    this.#afterCut = segment.cut;
    this.#sink.bytes(overlap === 0 ? segment.payload : segment.payload.subarray(overlap), segment.atUs);
  }

  #hold(segment: TcpSegment): void {
    const ahead = this.#ahead(segment);
    let index = this.#held.length;
    while (index > 0 && this.#ahead(this.#held[index - 1]!) > ahead) index--;
    const before = this.#held[index - 1];
    if (before?.tcpSequence === segment.tcpSequence && before.payload.length >= segment.payload.length) return;
    if (this.#held.length === 0) this.#holeSinceUs = segment.atUs;
    // The payload is a view that the next packet overwrites.
    this.#held.splice(index, 0, { ...segment, payload: Uint8Array.from(segment.payload) });
    this.#heldBytes += segment.payload.length;
  }

  #drain(): void {
    while (this.#held.length > 0 && this.#ahead(this.#held[0]!) <= 0) {
      const segment = this.#held.shift()!;
      this.#heldBytes -= segment.payload.length;
      this.#deliver(segment);
    }
  }

  #holeIsLost(nowUs: number): boolean {
    return (
      this.#afterCut ||
      this.#heldBytes > MOST_HELD ||
      this.#held.length > MOST_SEGMENTS ||
      Math.abs(nowUs - this.#holeSinceUs) > OLDEST_HOLE_US // A capture's clock may step back.
    );
  }

  #skipHole(): void {
    this.#sink.gap();
    this.#expected = this.#held[0]!.tcpSequence >>> 0;
    this.#drain();
    this.#holeSinceUs = this.#held[0]?.atUs ?? 0;
  }
}
