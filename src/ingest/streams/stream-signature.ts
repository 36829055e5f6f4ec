/**
 * Whether an upgrade comes from the voice server that an account has named, by a key that both know. Kinds without a key go by the
 * account's token alone. Pure but for the nonces that were seen; tells why it refuses, never a key.
 */
import type { Clock } from '../../core/clock.ts';
import type { StreamKeys } from '../../directory/stream-keys.ts';
import { isSignedByAudiohook } from './audiohook-signature.ts';
import { isSignedByPlivo } from './plivo-signature.ts';
import { SeenNonces } from './seen-nonces.ts';
import { isSame, type SignedRequest } from './signed-request.ts';
import { isSignedByTwilio } from './twilio-signature.ts';

/** `unkeyed`: nothing to judge by, the account's token decides. Anything else refuses, and says why in words for the log. */
export type SignatureVerdict = 'valid' | 'unkeyed' | { readonly refused: string };

export class StreamSignatures {
  readonly #clock: Clock;
  readonly #nonces: SeenNonces;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nonces = new SeenNonces();
  }

  /** @param keys the account's that the URL names */
  judge(kind: string, request: SignedRequest, keys: StreamKeys | undefined): SignatureVerdict {
    switch (kind) {
      case 'twilio':
        return verdict(keys?.twilio, (own) => isSignedByTwilio(request, own));
      case 'plivo':
        return verdict(keys?.plivo, (own) => isSignedByPlivo(request, own));
      case 'telnyx':
        return verdict(keys?.telnyx, (own) =>
          isSame(request.headers['x-telnyx-streaming-auth-token'], own.auth_token) ? undefined : 'no token, or another',
        );
      case 'audiohook':
        return verdict(keys?.audiohook, (own) => {
          const nowSeconds = this.#clock.now() / 1_000_000;
          const judged = isSignedByAudiohook(request, own, nowSeconds);
          if ('refused' in judged) return judged.refused;
          if (judged.nonce === undefined) return undefined;
          return this.#nonces.isNew(`${own.api_key} ${judged.nonce}`, nowSeconds)
            ? undefined
            : 'a nonce that was used before';
        });
      default:
        return 'unkeyed';
    }
  }
}

const verdict = <Keys>(keys: Keys | undefined, refusal: (keys: Keys) => string | undefined): SignatureVerdict => {
  if (keys === undefined) return 'unkeyed';
  const refused = refusal(keys);
  return refused === undefined ? 'valid' : { refused };
};
