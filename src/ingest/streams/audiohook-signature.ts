/**
 * How an AudioHook client proves itself: X-API-KEY, and with a client secret an HTTP message signature (RFC 9421, hmac-sha256) over what
 * makes the request its own. Pure: whether a nonce was seen before is for the caller.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StreamKeys } from '../../directory/stream-keys.ts';
import { type SignatureInput, signatureBytes, signatureInputs } from './signature-fields.ts';
import { isSame, type SignedRequest } from './signed-request.ts';

/** Each has to be signed; others may be. */
const COVERED = [
  '@request-target',
  '@authority',
  'audiohook-organization-id',
  'audiohook-session-id',
  'audiohook-correlation-id',
  'x-api-key',
];
const OLDEST_SECONDS = 10;
/** How far the clocks of both may be apart. */
const SKEW_SECONDS = 3;
/** 128 bits in base64. */
const SHORTEST_NONCE = 22;
const LONGEST_NONCE = 256;

export type AudiohookVerdict = { readonly nonce: string | undefined } | { readonly refused: string };

/** @returns the nonce that must not have been used before; none where no client secret is set */
export const isSignedByAudiohook = (
  request: SignedRequest,
  keys: NonNullable<StreamKeys['audiohook']>,
  nowSeconds: number,
): AudiohookVerdict => {
  const { headers } = request;
  if (!isSame(headers['x-api-key'], keys.api_key)) return { refused: 'no X-API-KEY, or another' };
  if (keys.client_secret === undefined) return { nonce: undefined };
  const inputs = signatureInputs(headers['signature-input'] ?? '');
  const signatures = signatureBytes(headers.signature ?? '');
  if (inputs === undefined || signatures === undefined) return { refused: 'no signature, or none that can be read' };
  let refused = 'no signature';
  for (const input of inputs) {
    const signature = signatures.get(input.label);
    const fault =
      signature === undefined ? 'a signature without its value' : faultOf(input, signature, request, keys, nowSeconds);
    if (fault === undefined) return { nonce: String(input.parameters.get('nonce')) };
    refused = fault;
  }
  return { refused };
};

const faultOf = (
  { components, parameters, canonical }: SignatureInput,
  signature: Buffer,
  request: SignedRequest,
  { api_key, client_secret = '', url }: NonNullable<StreamKeys['audiohook']>,
  nowSeconds: number,
): string | undefined => {
  const missing = COVERED.find((name) => !components.includes(name));
  if (missing !== undefined) return `a signature that does not cover ${missing}`;
  if (new Set(components).size !== components.length) return 'a component twice';
  const alg = parameters.get('alg');
  if (alg !== undefined && alg !== 'hmac-sha256') return 'another algorithm';
  const keyid = parameters.get('keyid');
  if (typeof keyid !== 'string' || !isSame(keyid, api_key)) return 'the id of another key';
  const nonce = parameters.get('nonce');
  if (typeof nonce !== 'string' || nonce.length < SHORTEST_NONCE || nonce.length > LONGEST_NONCE)
    return 'a nonce too short';
  const created = parameters.get('created');
  if (typeof created !== 'number' || created > nowSeconds + SKEW_SECONDS) return 'no time, or one that is yet to come';
  if (created < nowSeconds - OLDEST_SECONDS - SKEW_SECONDS) return 'a signature that is too old';
  const expires = parameters.get('expires');
  if (expires !== undefined && (typeof expires !== 'number' || expires < nowSeconds - SKEW_SECONDS))
    return 'an expired signature';
  const secret = Buffer.from(client_secret, 'base64');
  for (const authority of authorities(request, url)) {
    const base = baseOf(components, canonical, request, authority);
    if (base === undefined) return 'a component that is not there';
    const expected = createHmac('sha256', secret).update(base, 'utf8').digest();
    if (signature.length === expected.length && timingSafeEqual(signature, expected)) return undefined;
  }
  return 'a signature by another secret, or of another request';
};

/** RFC 9421 §2.2.3: lower case, without the scheme's own port; a proxy may have put that there. */
const authorities = ({ headers }: SignedRequest, url: string | undefined): string[] => {
  const host = (
    url === undefined ? (headers.host ?? '') : url.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '')
  ).toLowerCase();
  return [...new Set([host, host.replace(/:(?:443|80)$/, '')])];
};

/** RFC 9421 §2.5. */
const baseOf = (
  components: readonly string[],
  canonical: string,
  { target, headers }: SignedRequest,
  authority: string,
): string | undefined => {
  const lines: string[] = [];
  for (const name of components) {
    const value =
      name === '@request-target'
        ? target
        : name === '@authority'
          ? authority
          : name === '@method'
            ? 'GET'
            : headers[name];
    if (value === undefined) return undefined;
    lines.push(`"${name}": ${value.trim()}`);
  }
  return [...lines, `"@signature-params": ${canonical}`].join('\n');
};
