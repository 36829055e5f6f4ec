/**
 * How a webhook proves where it comes from: HMAC-SHA256 (RFC 2104) over its time and its body, so that neither can be another's. Whoever
 * receives it refuses old times, which ends what a listener on the line could repeat. Pure.
 */
import { createHmac } from 'node:crypto';

/** `v1=` and 64 hex digits. @param timestamp seconds since the Unix epoch, as text */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`, 'utf8').digest('hex')}`;
