/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3), and finds the next start line again when bytes
 * are missing or a length is wrong. Pure; holds at most one message's worth of bytes per direction.
 */
import {
  contentLength,
  endOfHead,
  LONGEST_BODY,
  LONGEST_HEAD,
  parseHead,
  type SipHead,
  type SipMessage,
} from './message.ts';
import { probeStartLine, skipLineEnds } from './start-line.ts';

/** @param message its body is a view that is valid during the call. @param atUs when its last missing byte arrived. */
export type SipMessageSink = (message: SipMessage, atUs: number) => void;

const LF = 10;
const PIECE = 16 * 1024;
const FIRST_CAPACITY = 4096;
/** A larger buffer is given back once it is empty. */
const KEPT_CAPACITY = 32 * 1024;

export class SipFramer {
  readonly #sink: SipMessageSink;
  /** The unread bytes are `[#start, #end)`. */
  #buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** Latest arrival among the bytes of the message at `#start`; the latest chunk's own arrival. */
  #atUs = 0;
  #chunkUs = 0;
  /** The message at `#start` once its head has been read. */
  #head: (SipHead & { readonly bodyStart: number; readonly end: number }) | undefined;
  /** No end of head lies before this index. */
  #searched = 0;
  /** The beginning of a line that is no start line was dropped before its end came. */
  #insideLine = false;
  #found = false;

  constructor(sink: SipMessageSink) {
    this.#sink = sink;
  }

  /** Whether a whole head has ever been read: the stream is SIP. */
  get found(): boolean {
    return this.#found;
  }

  /** Bytes set aside for a message that is not whole yet. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  push(chunk: Uint8Array, atUs: number): void {
    this.#atUs = this.#start === this.#end ? atUs : Math.max(this.#atUs, atUs);
    this.#chunkUs = atUs;
    // In pieces, so that one huge chunk can't make the buffer huge.
    for (let from = 0; from < chunk.length; from += PIECE) {
      this.#append(chunk.subarray(from, from + PIECE));
      while (this.#step());
    }
  }

  /** Bytes are missing here. A message whose head is whole is handed on with as much of its body as there is. */
  gap(): void {
    if (this.#head !== undefined) {
      this.#emit(this.#buffer.subarray(this.#head.bodyStart, this.#end), true);
    }
    this.#consumeTo(this.#end);
    this.#insideLine = false;
  }

  /** Takes one step through the buffer. @returns false when more bytes are needed. */
  #step(): boolean {
    if (this.#head === undefined) return this.#readHead();
    if (this.#end < this.#head.end) return false;
    const { bodyStart, end } = this.#head;
    this.#emit(this.#buffer.subarray(bodyStart, end), false);
    this.#consumeTo(end);
    this.#atUs = this.#chunkUs; // Whatever follows a message came with the chunk that completed it.
    return true;
  }

  #readHead(): boolean {
    if (this.#insideLine) return this.#skipLine();
    const unread = this.#buffer.subarray(0, this.#end);
    this.#start = skipLineEnds(unread, this.#start); // RFC 5626 §3.5.1: a pair of line ends is a keep-alive.
    if (this.#start === this.#end) {
      this.#consumeTo(this.#end);
      return false;
    }
    const probe = probeStartLine(unread, this.#start);
    if (probe === 'other') return this.#skipLine();
    if (probe === 'partial') return false;
    const bodyStart = endOfHead(unread, Math.max(this.#start, this.#searched));
    if (bodyStart === -1) {
      if (this.#end - this.#start > LONGEST_HEAD) return this.#skipLine();
      this.#searched = Math.max(this.#start, this.#end - 3);
      return false;
    }
    const head = parseHead(unread.subarray(this.#start, bodyStart));
    if (head === undefined) return this.#skipLine();
    this.#found = true;
    const length = contentLength(head.headers) ?? 0;
    // A body that nobody sends is a wrong length: the next start line is looked for right behind the head.
    this.#head = { ...head, bodyStart, end: bodyStart + (length > LONGEST_BODY ? 0 : length) };
    return true;
  }

  /** Not SIP here: the next line may be. @returns false when no other line has begun. */
  #skipLine(): boolean {
    const lineEnd = this.#buffer.indexOf(LF, this.#start);
    this.#insideLine = lineEnd === -1 || lineEnd >= this.#end;
    this.#consumeTo(this.#insideLine ? this.#end : lineEnd + 1);
    return this.#start < this.#end;
  }

  #emit(body: Uint8Array, truncated: boolean): void {
    const { start, headers } = this.#head!;
    this.#sink({ start, headers, body, truncated }, this.#atUs);
  }

  #consumeTo(index: number): void {
    this.#start = index;
    this.#head = undefined;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    this.#searched = 0;
    if (this.#buffer.length > KEPT_CAPACITY) this.#buffer = Buffer.alloc(0);
  }

  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const unread = this.#buffer.subarray(this.#start, this.#end);
      const needed = unread.length + chunk.length;
      // Always with room to spare, so that a stream of single bytes isn't copied once per byte.
      const fits = needed * 1.25 <= this.#buffer.length;
      const room = fits ? this.#buffer : Buffer.alloc(Math.max(FIRST_CAPACITY, Math.ceil(needed * 1.5)));
      room.set(unread);
      this.#moveTo(room);
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The unread bytes now lie at the beginning of `room`. */
  #moveTo(room: Buffer<ArrayBuffer>): void {
    const shift = this.#start;
    this.#buffer = room;
    this.#start = 0;
    this.#end -= shift;
    this.#searched = Math.max(0, this.#searched - shift);
    if (this.#head !== undefined) {
      this.#head = { ...this.#head, bodyStart: this.#head.bodyStart - shift, end: this.#head.end - shift };
    }
  }
}
