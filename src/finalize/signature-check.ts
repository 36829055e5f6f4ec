/** Whether a document is signed, and by whom, as far as that can be told: by the key that it names itself, or by one that is trusted. Pure. */
import { type Check, failed, passed, unproven } from './check.ts';
import { checkSignature } from './signature.ts';

/**
 * @param trusted base64 of raw public keys, of which it has to be one: then it has to be signed; empty: any key will do, or none.
 * @param document as it was read from JSON.
 */
export const signatureCheck = (name: string, document: object, trusted: readonly string[]): Check => {
  const verdict = checkSignature(document);
  switch (verdict.state) {
    case 'bad':
      return failed(name, verdict.why);
    case 'unsigned':
      return trusted.length > 0 ? failed(name, 'not signed') : unproven(name, 'not signed');
    case 'good': {
      const { keyId, publicKey } = verdict;
      if (trusted.length === 0) return passed(name, `of key ${keyId}; whose that is, only --key can tell`);
      return trusted.includes(publicKey)
        ? passed(name, `of key ${keyId}, as it has to be`)
        : failed(name, `of key ${keyId}, not of the one that was given`);
    }
    default:
      return verdict satisfies never;
  }
};
