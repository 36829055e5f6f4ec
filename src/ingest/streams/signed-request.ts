/** A WebSocket's upgrade, as far as it may be signed, and how secrets are compared. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** An upgrade as it came. */
export type SignedRequest = {
  /** Path and query, byte for byte. */
  readonly target: string;
  /** Lower-case names; a repeated header's values joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
};

/** In constant time, whatever their lengths. */
export const isSame = (given: string | undefined, expected: string): boolean =>
  given !== undefined && timingSafeEqual(digestOf(given), digestOf(expected));

const digestOf = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
