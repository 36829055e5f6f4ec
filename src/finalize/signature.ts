/**
 * Ed25519 signatures (RFC 8032) over documents in canonical form (RFC 8785): a manifest's, the head's of an audit. Whoever has the document
 * can check it by the key that it names; whose key that is, only one that came another way can tell. Pure but for the arithmetic.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';

export type Signature = {
  readonly algorithm: 'Ed25519';
  /** The first 16 hex digits of the SHA-256 of the raw public key. */
  readonly key_id: string;
  /** Base64 of its 32 bytes. */
  readonly public_key: string;
  /** Base64 of 64 bytes. */
  readonly value: string;
};

/** A public key as the API serves it. */
export type PublicKeyDocument = Omit<Signature, 'value'> & {
  /** The same for other programs: SubjectPublicKeyInfo in PEM (RFC 8410). */
  readonly pem: string;
};

const ALGORITHM = 'Ed25519';
const FIELDS = ['algorithm', 'key_id', 'public_key', 'value'];
const KEY_ID_DIGITS = 16;
const KEY_BYTES = 32;

/** @param key private or public, of Ed25519. */
export const publicKeyDocument = (key: KeyObject): PublicKeyDocument => {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return {
    algorithm: ALGORITHM,
    key_id: keyIdOf(raw),
    public_key: raw.toString('base64'),
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
};

/** The document with its signature as a property. @param key private, of Ed25519. */
export const signed = <T extends object>(document: T, key: KeyObject): T & { readonly signature: Signature } => {
  const { pem: _, ...known } = publicKeyDocument(key);
  // As whoever reads it will find it: JSON has no undefined.
  const { signature: __, ...content } = JSON.parse(JSON.stringify(document)) as { signature?: unknown };
  const value = sign(null, Buffer.from(canonicalJson(content)), key).toString('base64');
  return { ...document, signature: { ...known, value } };
};

export type SignatureVerdict =
  | { readonly state: 'good'; readonly keyId: string; readonly publicKey: string }
  /** There is none. */
  | { readonly state: 'unsigned' }
  | { readonly state: 'bad'; readonly why: string };

/** @param document as it was read from JSON; what else it is doesn't matter. */
export const checkSignature = (document: object): SignatureVerdict => {
  const { signature, ...content } = document as { readonly signature?: unknown };
  if (signature === undefined || signature === null) return { state: 'unsigned' };
  const key = isSignature(signature) ? keyIn(signature) : undefined;
  if (key === undefined) return { state: 'bad', why: 'what stands in its place is no Ed25519 signature' };
  const { value, key_id: keyId, public_key: publicKey } = signature as Signature;
  return isSignedBy(content, value, key)
    ? { state: 'good', keyId, publicKey }
    : { state: 'bad', why: `what it says is not what key ${keyId} has signed` };
};

const isSignedBy = (content: object, value: string, key: KeyObject): boolean => {
  try {
    return verify(null, Buffer.from(canonicalJson(content)), key, Buffer.from(value, 'base64'));
  } catch {
    // Nested too deep, or a number that is none: we sign nothing of the kind.
    return false;
  }
};

const keyIdOf = (raw: Uint8Array): string => createHash('sha256').update(raw).digest('hex').slice(0, KEY_ID_DIGITS);

/** No field more or less, and each as we would write it: what decodes to the same bytes is not the same text. */
const isSignature = (value: unknown): value is Signature => {
  if (typeof value !== 'object' || value === null) return false;
  const names = Object.keys(value);
  const { algorithm, public_key: publicKey, value: bytes } = value as Partial<Signature>;
  return (
    names.length === FIELDS.length &&
    FIELDS.every((name) => names.includes(name)) &&
    algorithm === ALGORITHM &&
    isBase64(publicKey) &&
    isBase64(bytes)
  );
};

const isBase64 = (text: unknown): boolean =>
  typeof text === 'string' && Buffer.from(text, 'base64').toString('base64') === text;

/** @returns undefined for one whose id is another key's, or that is none. */
const keyIn = ({ key_id: keyId, public_key: publicKey }: Signature): KeyObject | undefined =>
  keyId === keyIdOf(Buffer.from(publicKey, 'base64')) ? rawPublicKey(publicKey) : undefined;

/** @param base64 of its 32 bytes. @returns undefined for what is none */
export const rawPublicKey = (base64: string): KeyObject | undefined => {
  const raw = Buffer.from(base64, 'base64');
  if (raw.length !== KEY_BYTES || raw.toString('base64') !== base64) return undefined;
  const jwk = { kty: 'OKP', crv: ALGORITHM, x: raw.toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' });
};
