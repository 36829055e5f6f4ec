/**
 * X-Twilio-Signature of a WebSocket's upgrade: base64 of HMAC-SHA1 over the URL under the account's auth token (twilio.com/docs/usage/security).
 * There is no time and no nonce in it: it proves who calls, and TLS that nobody has overheard it. Pure.
 */
import { createHmac } from 'node:crypto';
import type { StreamKeys } from '../../directory/stream-keys.ts';
import { requestUrls } from './request-urls.ts';
import { isSame, type SignedRequest } from './signed-request.ts';

/** @returns why not; undefined when it is */
export const isSignedByTwilio = (
  request: SignedRequest,
  keys: NonNullable<StreamKeys['twilio']>,
): string | undefined => {
  const given = request.headers['x-twilio-signature'];
  if (given === undefined) return 'no X-Twilio-Signature';
  const isMade = requestUrls(request, keys.url).some((url) =>
    isSame(given, createHmac('sha1', keys.auth_token).update(url, 'utf8').digest('base64')),
  );
  return isMade ? undefined : 'a signature by another token, or of another URL';
};
