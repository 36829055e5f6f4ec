/**
 * X-Plivo-Signature-V3 and -V2: base64 of HMAC-SHA256 under the account's auth token, over URL, full stop and nonce, or in V2 over URL and
 * nonce (plivo.com, signature validation). A header may hold several, by the tokens of the account. Pure.
 */
import { createHmac } from 'node:crypto';
import type { StreamKeys } from '../../directory/stream-keys.ts';
import { requestUrls } from './request-urls.ts';
import { isSame, type SignedRequest } from './signed-request.ts';

const VERSIONS = [
  { name: 'v3', between: '.' },
  { name: 'v2', between: '' },
];
const MOST_SIGNATURES = 8;
const LONGEST_NONCE = 256;

/** @returns why not; undefined when it is */
export const isSignedByPlivo = (request: SignedRequest, keys: NonNullable<StreamKeys['plivo']>): string | undefined => {
  const { headers } = request;
  const urls = requestUrls(request, keys.url);
  let isSigned = false;
  for (const { name, between } of VERSIONS) {
    const nonce = headers[`x-plivo-signature-${name}-nonce`];
    const given = [headers[`x-plivo-signature-${name}`], headers[`x-plivo-signature-ma-${name}`]]
      .flatMap((value) => value?.split(',').slice(0, MOST_SIGNATURES) ?? [])
      .map((value) => value.trim());
    if (nonce === undefined || nonce.length > LONGEST_NONCE || given.length === 0) continue;
    isSigned = true;
    const made = urls.map((url) =>
      createHmac('sha256', keys.auth_token).update(`${url}${between}${nonce}`, 'utf8').digest('base64'),
    );
    if (given.some((each) => made.some((own) => isSame(each, own)))) return undefined;
  }
  return isSigned ? 'a signature by another token, or of another URL' : 'no X-Plivo-Signature-V3';
};
