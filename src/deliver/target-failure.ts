/**
 * Puts what went wrong with a target into the product's words and codes. Names the host, and the status or the system's code;
 * never the path, query string or credentials of the customer's URL, and never what the target wrote. Pure.
 */
import { errors } from 'undici';
import { AppError, systemCode } from '../core/errors.ts';

/** Statuses that may be another one on the next try (design §6.6), besides all of 5xx. */
const BUSY: ReadonlySet<number> = new Set([408, 425, 429]);

const PHRASES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'refused the connection'],
  ['ECONNRESET', 'broke the connection'],
  ['EPIPE', 'broke the connection'],
  ['UND_ERR_SOCKET', 'closed the connection without an answer'],
  ['ENOTFOUND', 'has no address'],
  ['EAI_AGAIN', 'could not be looked up'],
  ['ETIMEDOUT', 'did not accept a connection in time'],
  ['UND_ERR_CONNECT_TIMEOUT', 'did not accept a connection in time'],
  ['EHOSTUNREACH', 'can not be reached'],
  ['ENETUNREACH', 'can not be reached'],
]);

const phraseFor = (code: string): string => {
  const known = PHRASES.get(code);
  if (known !== undefined) return known;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'did not answer in HTTP';
  return 'failed';
};

/** What a certificate is not trusted for, of OpenSSL's verdicts and Node's. */
const DISTRUST: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'is signed by an authority that is not known here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'is signed by an authority that is not known here'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'is signed by an authority that is not known here'],
  ['CERT_HAS_EXPIRED', 'has expired'],
  ['CERT_NOT_YET_VALID', 'is not valid yet'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for another name'],
]);

const distrust = (code: string): string | undefined => {
  const why = DISTRUST.get(code);
  if (why !== undefined) return `could not be trusted: its TLS certificate ${why}`;
  if (/CERT|^ERR_(TLS|SSL)|UNABLE_TO|EPROTO/.test(code))
    return 'could not be trusted: its TLS certificate or handshake failed';
  return undefined;
};

/** A status other than 2xx and the redirects that are followed. */
export const statusError = (status: number, host: string): AppError =>
  status >= 500 || BUSY.has(status)
    ? new AppError('TARGET_BUSY', `${host} answered ${status}`)
    : new AppError('TARGET_REJECTED', `${host} answered ${status}`);

/** Anything a connection threw. Without a system code it is a defect of ours, not the target's. */
export const networkError = (error: unknown, host: string): AppError => {
  if (error instanceof AppError) return error;
  // Its error holds what the target wrote, which may repeat our request line, so it does not become a cause.
  if (error instanceof errors.HTTPParserError) {
    return new AppError('TARGET_UNREACHABLE', `${host} did not answer in HTTP`);
  }
  const code = systemCode(error);
  if (code === undefined || code.startsWith('UND_ERR_INVALID') || code.startsWith('ERR_INVALID')) {
    return new AppError('INTERNAL', `the request to ${host} could not be made`, { cause: error });
  }
  const why = distrust(code);
  if (why !== undefined) return new AppError('TARGET_UNTRUSTED', `${host} ${why} (${code})`, { cause: error });
  return new AppError('TARGET_UNREACHABLE', `${host} ${phraseFor(code)} (${code})`, { cause: error });
};
