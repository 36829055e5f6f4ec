/**
 * The keys by which an account knows its voice servers' streams: `stream_keys` of its document. Written, sealed in the store, and never read
 * back through the API.
 */
import Type, { type Static } from 'typebox';
import type { FieldErrorList, FieldPath } from '../core/field-errors.ts';
import { Validator } from '../core/validation.ts';

const strict = { additionalProperties: false };
const secret = Type.String({ minLength: 8, maxLength: 512, pattern: '^[!-~]+$' });
/** What stands before the path in the URL that the server calls, where a proxy makes it another than ours. */
const url = Type.Optional(Type.String({ maxLength: 512, pattern: '^(wss?|https?)://[^/?#\\s]+[^?#\\s]*$' }));

export const StreamKeysSchema = Type.Object(
  {
    twilio: Type.Optional(Type.Object({ auth_token: secret, url }, strict)),
    plivo: Type.Optional(Type.Object({ auth_token: secret, url }, strict)),
    /** Telnyx takes tokens of up to 4000 characters. */
    telnyx: Type.Optional(Type.Object({ auth_token: Type.String({ ...secret, maxLength: 4096 }) }, strict)),
    audiohook: Type.Optional(
      Type.Object(
        {
          api_key: secret,
          /** Base64, as Genesys Cloud shows it. Without it X-API-KEY alone decides. */
          client_secret: Type.Optional(
            Type.String({ minLength: 8, maxLength: 512, pattern: '^[A-Za-z0-9+/]+={0,2}$' }),
          ),
          url,
        },
        strict,
      ),
    ),
  },
  strict,
);

export type StreamKeys = Static<typeof StreamKeysSchema>;

const KEYS = new Validator<StreamKeys>(StreamKeysSchema);

/** Keeps keys out of reach of whoever reads the database. */
export type StreamKeySeal = {
  readonly seal: (accountId: string, plain: string) => string;
  /** @throws KEY_UNUSABLE */
  readonly open: (accountId: string, sealed: string) => string;
};

/** Of an account's row; undefined where it has none. @throws KEY_UNUSABLE */
export const openStreamKeys = (
  { id, streamKeys }: { readonly id: string; readonly streamKeys: string | null },
  { open }: StreamKeySeal,
): StreamKeys | undefined => (streamKeys === null ? undefined : (JSON.parse(open(id, streamKeys)) as StreamKeys));

/** For the row: null where there are none. */
export const sealStreamKeys = (
  accountId: string,
  keys: StreamKeys | undefined,
  { seal }: StreamKeySeal,
): string | null =>
  keys === undefined || Object.keys(keys).length === 0 ? null : seal(accountId, JSON.stringify(keys));

/** The value of a wrong field is not in its error. @returns undefined when faults were added to `errors` */
export const checkStreamKeys = (value: unknown, errors: FieldErrorList, at: FieldPath): StreamKeys | undefined => {
  const found = KEYS.validate(value);
  if (found.ok) return found.value;
  for (const [path, codes] of Object.entries(found.errors)) {
    for (const code of Object.keys(codes)) {
      errors.add([...at, ...(path === 'data' ? [] : path.split('.'))], code, {
        message: MESSAGES[code] ?? 'Not a key as it has to be',
      });
    }
  }
  return undefined;
};

const MESSAGES: Readonly<Record<string, string>> = {
  required: 'Field is required but missing',
  additionalProperties: 'Unknown field of stream_keys',
  minLength: 'Too short for a key',
  maxLength: 'Too long for a key',
};
