/**
 * One SIP message (RFC 3261 §7): start line, header fields, body. Lengths are bounded, malformed bytes give `undefined`.
 * Pure: it copies nothing of the body, keeps nothing, and never throws.
 */
import { SipHeaders } from './headers.ts';
import { readStartLine, type StartLine, skipLineEnds } from './start-line.ts';

export type SipMessage = {
  readonly start: StartLine;
  readonly headers: SipHeaders;
  /** A view into the bytes that were parsed. */
  readonly body: Uint8Array;
  /** The capture lacks the end of the body: its last line may be half a line. */
  readonly truncated: boolean;
};

export type SipHead = Pick<SipMessage, 'start' | 'headers'>;

export const LONGEST_HEAD = 32 * 1024;
export const LONGEST_BODY = 64 * 1024;

/** Reads a datagram's payload. @param cut the capture kept fewer bytes than the wire had. */
export const parseSipMessage = (payload: Uint8Array, cut = false): SipMessage | undefined => {
  const from = skipLineEnds(payload);
  const blank = endOfHead(payload, from);
  const headEnd = blank === -1 ? payload.length : blank;
  const head = parseHead(payload.subarray(from, headEnd), cut && blank === -1);
  if (head === undefined) return undefined;
  // Over UDP the datagram ends the body (§18.3). A length that is too small cuts an SDP short, while bytes behind a body are
  // no SDP lines; only 0 is taken at its word, because a second message may follow it (RFC 4475 §3.1.1.8).
  const length = contentLength(head.headers);
  const rest = payload.subarray(headEnd, headEnd + LONGEST_BODY);
  const body = length === 0 ? rest.subarray(0, 0) : rest;
  return { ...head, body, truncated: length !== 0 && (cut || rest.length < payload.length - headEnd) };
};

/** Reads start line and fields. @param cut the last line may be half a line: it is dropped. */
export const parseHead = (bytes: Uint8Array, cut = false): SipHead | undefined => {
  if (bytes.length > LONGEST_HEAD) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const whole = cut ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
  const lineEnd = whole.indexOf('\n');
  const start = readStartLine(lineEnd === -1 ? whole : whole.slice(0, lineEnd));
  if (start === undefined) return undefined;
  return { start, headers: new SipHeaders(lineEnd === -1 ? '' : whole.slice(lineEnd + 1)) };
};

/** Index just past the blank line that ends the head, searched from `from`; -1 when there is none. */
export const endOfHead = (bytes: Uint8Array, from: number): number => {
  for (let at = bytes.indexOf(10, from); at !== -1; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return -1;
};

/** The Content-Length in bytes; `undefined` when absent or not a number (RFC 4475 §3.1.2.3 shows a negative one). */
export const contentLength = (headers: SipHeaders): number | undefined => {
  const text = headers.first('content-length');
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
};
