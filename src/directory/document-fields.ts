/**
 * The documents of accounts, users and devices as Kazoo's API has them, to rows and back. Pure.
 *
 * `name`, `owner_id` (of devices), `metaflows`, `call_recording` and, of accounts, `webhook_url`, `webhook_secret` and `stream_keys` are ours and held to their schemas. As in Kazoo, any other property is
 * kept and told again, all of them together within 64 KiB; they do nothing. One that is all but spelt as one of ours is refused. Left out are `id`, private ones (`_…`, `pvt_…`), and secrets that
 * we have no use for: `api_key`, `stream_keys` of people, and `password` however deep. A null is no property.
 */
import Type from 'typebox';
import { likelyMeant } from '../core/edit-distance.ts';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, type FieldErrors, renderFieldErrors } from '../core/field-errors.ts';
import { Validator } from '../core/validation.ts';
import type { AccountRow, JsonObject, PersonRow } from '../store/rows.ts';
import { isBounded } from './bounded-json.ts';
import { checkCallRecording, type UrlJudge } from './call-recording.ts';
import { isObject, patched } from './json-merge.ts';
import { checkStreamKeys, type StreamKeys } from './stream-keys.ts';
import { checkWebhook, WEBHOOK_FIELDS, type WebhookSettings } from './webhook-settings.ts';

export type DocumentKind = 'account' | 'user' | 'device';

/** What a document says, ready for a row. */
export type DocumentFields = Pick<PersonRow, 'name' | 'ownerId' | 'metaflows' | 'callRecording' | 'extra'>;

/** What this floor can't judge itself. */
export type DocumentRules = {
  readonly judgeUrl: UrlJudge;
  /** A metaflows document as it is to be stored. Throws METAFLOWS_INVALID with FieldErrors as `details`. */
  readonly readMetaflows: (value: JsonObject) => JsonObject;
};

/** Of users and devices, also in paths. */
export const PERSON_ID = '^[A-Za-z0-9_-]{1,64}$';

const LARGEST_EXTRA = 65_536;
const BOUNDS = { deepest: 64, mostValues: 20_000 };

const name = { maxLength: 256, pattern: '^\\P{Cc}*$' };
const settings = { metaflows: Type.Optional(Type.Object({})), call_recording: Type.Optional(Type.Object({})) };

type Head = { name?: string; owner_id?: string; metaflows?: JsonObject; call_recording?: JsonObject };

const HEADS: Readonly<Record<DocumentKind, Validator<Head>>> = {
  account: new Validator<Head>(Type.Object({ name: Type.String({ ...name, minLength: 1 }), ...settings })),
  user: new Validator<Head>(Type.Object({ name: Type.Optional(Type.String(name)), ...settings })),
  device: new Validator<Head>(
    Type.Object({
      name: Type.Optional(Type.String(name)),
      owner_id: Type.Optional(Type.String({ pattern: PERSON_ID })),
      ...settings,
    }),
  ),
};

/** @throws FIELDS_INVALID with every fault by its path */
export const readDocument = (kind: DocumentKind, value: unknown, rules: DocumentRules): DocumentFields =>
  read(kind, value, rules).fields;

/** The same of an account, its webhook, and the keys of its streams where it says any. */
export const readAccount = (
  value: unknown,
  rules: DocumentRules,
): Omit<WholeDocument, 'fields'> & { readonly fields: Omit<DocumentFields, 'ownerId'> } => {
  const { fields, ...more } = read('account', value, rules);
  const { ownerId: _, ...rest } = fields;
  return { fields: rest, ...more };
};

type WholeDocument = {
  readonly fields: DocumentFields;
  readonly webhook: WebhookSettings;
  readonly streamKeys: StreamKeys | undefined;
};

const read = (kind: DocumentKind, value: unknown, rules: DocumentRules): WholeDocument => {
  checkBounds(kind, value);
  const errors = new FieldErrorList();
  const said = isObject(value) ? withoutNulls(value) : value;
  const head = HEADS[kind].check(said, errors);
  const given: JsonObject = isObject(said) ? said : {};
  const recording = isObject(given.call_recording) ? given.call_recording : undefined;
  const owner = kind === 'account' ? 'account' : 'person';
  if (recording !== undefined) checkCallRecording(recording, owner, errors, ['call_recording'], rules.judgeUrl);
  const metaflows =
    isObject(given.metaflows) && Object.keys(given.metaflows).length > 0 ? judged(given.metaflows, rules) : {};
  const webhook = checkWebhook(kind === 'account' ? given : {}, errors, rules.judgeUrl);
  const streamKeys =
    kind === 'account' && given.stream_keys !== undefined
      ? checkStreamKeys(given.stream_keys, errors, ['stream_keys'])
      : undefined;
  const extra = extraOf(kind, given);
  checkSpelling(kind, extra, errors);
  if (JSON.stringify(extra).length > LARGEST_EXTRA) {
    errors.add([], 'error', { message: `more than ${LARGEST_EXTRA} characters of unknown properties` });
  }
  if (head === undefined || !errors.empty || metaflows.errors !== undefined) {
    throw invalid(kind, { ...errors.toJSON(), ...metaflows.errors });
  }
  return {
    fields: {
      name: head.name ?? '',
      ownerId: head.owner_id ?? null,
      metaflows: emptyToNull(metaflows.document),
      callRecording: emptyToNull(recording),
      extra,
    },
    webhook,
    streamKeys,
  };
};

/** The document with Kazoo's PATCH applied, to be read as a whole. @throws FIELDS_INVALID for a patch that is too large to walk */
export const patchedDocument = (kind: DocumentKind, document: JsonObject, patch: unknown): unknown => {
  checkBounds(kind, patch);
  return patched(document, patch);
};

/** The document of an account, as GET answers it: without the secret of its webhook and the keys of its streams. */
export const accountDocument = (row: AccountRow): JsonObject => ({
  ...documentOf(row),
  ...(row.webhookUrl === null ? {} : { webhook_url: row.webhookUrl }),
});

/** The document of a user or a device, as GET answers it. */
export const personDocument = (row: PersonRow): JsonObject => documentOf(row);

const documentOf = (row: AccountRow | PersonRow): JsonObject => ({
  ...row.extra,
  id: row.id,
  ...(row.name === '' ? {} : { name: row.name }),
  ...('ownerId' in row && row.ownerId !== null ? { owner_id: row.ownerId } : {}),
  ...(row.metaflows === null ? {} : { metaflows: row.metaflows }),
  ...(row.callRecording === null ? {} : { call_recording: row.callRecording }),
});

const checkBounds = (kind: DocumentKind, value: unknown): void => {
  if (isBounded(value, BOUNDS)) return;
  const message = `deeper than ${BOUNDS.deepest} levels or more than ${BOUNDS.mostValues} values`;
  throw invalid(kind, { data: { error: { message } } });
};

const invalid = (kind: DocumentKind, details: FieldErrors): AppError =>
  new AppError('FIELDS_INVALID', `${kind}: ${renderFieldErrors(details)}`, { details });

const judged = (
  value: JsonObject,
  { readMetaflows }: DocumentRules,
): { document?: JsonObject; errors?: FieldErrors } => {
  try {
    return { document: readMetaflows(value) };
  } catch (error) {
    if (!(error instanceof AppError) || !isObject(error.details)) throw error;
    const below = Object.entries(error.details as FieldErrors);
    // Its paths begin at the metaflows; the root's is `data`.
    return {
      errors: Object.fromEntries(
        below.map(([path, codes]) => [path === 'data' ? 'metaflows' : `metaflows.${path}`, codes]),
      ),
    };
  }
};

const oursOf = (kind: DocumentKind): string[] => [
  'name',
  'metaflows',
  'call_recording',
  ...(kind === 'device' ? ['owner_id'] : []),
  ...(kind === 'account' ? [...WEBHOOK_FIELDS, 'stream_keys'] : []),
];

/** Kept, such a property would do nothing, and a call would go unrecorded or unmasked for a letter. */
const checkSpelling = (kind: DocumentKind, extra: JsonObject, errors: FieldErrorList): void => {
  for (const key of Object.keys(extra)) {
    const meant = likelyMeant(key, oursOf(kind));
    if (meant === undefined) continue;
    errors.add([key], 'misspelt', { message: `unknown property; did you mean ${meant}?`, target: meant });
  }
};

const extraOf = (kind: DocumentKind, said: JsonObject): JsonObject => {
  const ours = ['id', 'api_key', 'stream_keys', ...oursOf(kind)];
  const rest = Object.entries(said).filter(([key]) => !ours.includes(key) && !/^(?:_|pvt_)/.test(key));
  return withoutPasswords(Object.fromEntries(rest)) as JsonObject;
};

const withoutPasswords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutPasswords);
  if (!isObject(value)) return value;
  const rest = Object.entries(value).filter(([key]) => key !== 'password');
  return Object.fromEntries(rest.map(([key, below]) => [key, withoutPasswords(below)]));
};

const withoutNulls = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([, below]) => below !== null));

const emptyToNull = (value: JsonObject | undefined): JsonObject | null =>
  value === undefined || Object.keys(value).length === 0 ? null : value;
