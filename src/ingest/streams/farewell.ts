/** How a stream is closed where its protocol has no words of its own: a WebSocket close code (RFC 6455 §7.4.1) and a short reason. Pure. */
import type { StreamFarewell } from './stream-dialect.ts';

/** By our error code; any other is the service's fault. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  STREAM_INVALID: 1007,
  BODY_TOO_LARGE: 1009,
  RATE_LIMITED: 1008,
  UNAUTHENTICATED: 1008,
  FORBIDDEN: 1008,
  NOT_FOUND: 1008,
  CONFLICT: 1008,
  FIELDS_INVALID: 1008,
  RATE_UNSUPPORTED: 1008,
  METAFLOWS_INVALID: 1008,
  TARGET_FORBIDDEN: 1008,
  CODEC_UNSUPPORTED: 1003,
  CALL_EXISTS: 1008,
  CALLS_FULL: 1013,
  DISK_LOW: 1013,
};

const INTERNAL = 1011;
const GOING_AWAY = 1001;
/** A control frame holds 125 bytes, two of them the code. */
const MOST_REASON_BYTES = 123;
const LONE_SURROGATE = /\p{Cs}/gu;

/** @param error none: the service ends the stream. @param messages the protocol's own words before it */
export const closing = (
  error: { readonly code: string; readonly message: string } | undefined,
  messages: readonly (string | Uint8Array)[] = [],
): StreamFarewell =>
  error === undefined
    ? { messages, code: GOING_AWAY, reason: 'service ends' }
    : {
        messages,
        code: CLOSE_CODES[error.code] ?? INTERNAL,
        reason: shortened(CLOSE_CODES[error.code] === undefined ? error.code : `${error.code}: ${error.message}`),
      };

/** At most what a close frame holds, and no half character at its end. */
const shortened = (reason: string): string => {
  let text = reason;
  while (Buffer.byteLength(text) > MOST_REASON_BYTES) text = text.slice(0, -1);
  return text.replace(LONE_SURROGATE, '');
};
