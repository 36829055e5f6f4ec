/**
 * JSON in the one form of RFC 8785 (JSON Canonicalization Scheme): what is hashed and signed, so that neither the order of names nor spaces
 * matter. Pure.
 */
import canonicalizeModule from 'canonicalize';

/** The package is CommonJS: what it exports is the function itself, whatever its types say. */
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

/**
 * @param value what JSON can hold. Give it what was read from JSON text, or will be the same when it is: properties that are undefined are
 *   left out, as JSON leaves them out.
 * @throws TypeError for what is no JSON, such as NaN; RangeError for what is nested too deep
 */
export const canonicalJson = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('no JSON');
  return text;
};
