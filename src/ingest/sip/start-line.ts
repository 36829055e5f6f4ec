/** The first line of a SIP message, RFC 3261 §7.1 and §7.2, found in bytes that may be anything. Pure; never throws. */

export type StartLine =
  | { readonly kind: 'request'; readonly method: string }
  | { readonly kind: 'response'; readonly status: number };

/** `partial`: a start line so far, if more bytes follow. */
export type StartLineProbe = 'start' | 'partial' | 'other';

/** Request-URIs with embedded headers reach a few hundred bytes; longer than this is no SIP. */
const LONGEST_LINE = 4096;
const LONGEST_METHOD = 32;

const LF = 10;
const CR = 13;
const SPACE = 32;

/** The characters of an RFC 3261 §25.1 token. */
const TOKEN = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")
  TOKEN[char.charCodeAt(0)] = 1;

/**
 * Whether a start line begins at `from`. RTP, RTCP, DTLS and STUN fail on their first byte, so this costs nothing on media.
 * Allocates nothing until a whole line of plain text has been seen.
 */
export const probeStartLine = (bytes: Uint8Array, from = 0): StartLineProbe => {
  let at = from;
  while (at < bytes.length && TOKEN[bytes[at]!] === 1) {
    if (at - from >= LONGEST_METHOD) return 'other';
    at++;
  }
  if (at === bytes.length) return 'partial';
  // `SIP/2.0 200 OK` has its slash where a request has its first space.
  if (at === from || (bytes[at] !== SPACE && bytes[at] !== 0x2f)) return 'other';
  const limit = Math.min(bytes.length, from + LONGEST_LINE);
  while (at < limit && bytes[at] !== LF) {
    if (bytes[at]! < SPACE && bytes[at] !== CR) return 'other';
    at++;
  }
  if (at === limit) return limit === bytes.length && at - from < LONGEST_LINE ? 'partial' : 'other';
  return readStartLine(latin1(bytes, from, at)) === undefined ? 'other' : 'start';
};

/** Whether a datagram is a SIP message: its first line says so. A cheap test, meant for every datagram of a capture. */
export const looksLikeSip = (payload: Uint8Array): boolean =>
  probeStartLine(payload, skipLineEnds(payload)) === 'start';

/** Reads a start line without its line end; `undefined` when it is none. */
export const readStartLine = (line: string): StartLine | undefined => {
  const text = line.trimEnd();
  const first = text.indexOf(' ');
  if (first <= 0) return undefined;
  if (isVersion(text.slice(0, first))) {
    const status = /^([1-6]\d\d)(?: |$)/.exec(text.slice(first + 1));
    return status === null ? undefined : { kind: 'response', status: Number(status[1]) };
  }
  const last = text.lastIndexOf(' ');
  if (last === first || !isVersion(text.slice(last + 1))) return undefined;
  return { kind: 'request', method: text.slice(0, first).toUpperCase() };
};

/** Index of the first byte at or after `from` that is no CR or LF: RFC 3261 §7.5 lets them precede a start line. */
export const skipLineEnds = (bytes: Uint8Array, from = 0): number => {
  let at = from;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at;
};

// RFC 3261 §7.1: the version is compared without regard to case.
const isVersion = (word: string): boolean => word.toUpperCase() === 'SIP/2.0';

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
