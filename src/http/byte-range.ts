/**
 * Which part of a file a request asks for: `Range` and `If-Range` (RFC 9110 §14.2, §13.1.5). One range at most: whoever asks for
 * several gets the whole file, as the RFC lets a server do. Pure.
 */

export type ByteRange =
  | { readonly kind: 'whole' }
  /** First and last byte, both included. */
  | { readonly kind: 'part'; readonly first: number; readonly last: number }
  /** Nothing of the file lies in it: 416. */
  | { readonly kind: 'unsatisfiable' };

const WHOLE: ByteRange = { kind: 'whole' };

/** `bytes=0-499`, `bytes=500-`, `bytes=-500`; a number of more digits than any file's size is none that we read. */
const ONE_RANGE = /^bytes=[ \t]*(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))[ \t]*$/i;

/**
 * @param range the field's value; one that is malformed, of another unit or of several ranges counts as none.
 * @param ifRange the range holds only while the file is the one of this entity tag; a date or a weak tag never is.
 * @param etag of the file, with its quotes.
 */
export const byteRangeOf = (
  range: string | undefined,
  file: { readonly bytes: number; readonly etag: string },
  ifRange?: string,
): ByteRange => {
  const asked = range === undefined ? null : ONE_RANGE.exec(range);
  if (asked === null) return WHOLE;
  if (ifRange !== undefined && ifRange.trim() !== file.etag) return WHOLE;
  const [, first, last, suffix] = asked;
  return first === undefined ? lastBytes(Number(suffix), file.bytes) : span(Number(first), last, file.bytes);
};

const lastBytes = (count: number, bytes: number): ByteRange =>
  count === 0 || bytes === 0
    ? { kind: 'unsatisfiable' }
    : { kind: 'part', first: Math.max(0, bytes - count), last: bytes - 1 };

const span = (first: number, lastText: string | undefined, bytes: number): ByteRange => {
  const last = lastText === undefined ? bytes - 1 : Number(lastText);
  // Backwards is malformed when it was written so; an open range behind the end is merely empty.
  if (lastText !== undefined && last < first) return WHOLE;
  return first >= bytes ? { kind: 'unsatisfiable' } : { kind: 'part', first, last: Math.min(last, bytes - 1) };
};

/** Whether `If-None-Match` (RFC 9110 §13.1.2) names the entity tag, or anything at all. */
export const isUnchanged = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
