/** Documents of accounts, users and devices in JSON Schema, for the API's description; `directory/` judges them. */
import { AccountCallRecording, CallRecording } from '../directory/call-recording.ts';
import type { PersonKind } from '../store/rows.ts';
import type { Schema } from './envelope-schema.ts';
import { MetaflowsSchema } from './metaflow-schemas.ts';
import { PERSON_ID } from './path-ids.ts';

/** The same schema under each of the keys of another. */
const each = (of: { readonly properties: object }, schema: Schema): Schema =>
  Object.fromEntries(Object.keys(of.properties).map((key) => [key, schema]));

const strict = { type: 'object', additionalProperties: false };
const { any: source } = CallRecording.properties;

const Parameters = {
  ...source.properties.any,
  $id: 'RecordingParameters',
  description: 'How such calls are recorded.',
};
const Source = {
  ...strict,
  $id: 'RecordingSource',
  description: 'By where the other party is: in the own network, or outside.',
  properties: each(source, Parameters),
};
const OfPerson = {
  ...strict,
  $id: 'CallRecording',
  description: 'Which calls are recorded by themselves, by their direction.',
  properties: each(CallRecording, Source),
};
const OfAccount = {
  ...strict,
  $id: 'AccountCallRecording',
  description:
    '`account`: calls of the account as such. `endpoint`: what the settings of its users and devices begin with.',
  properties: each(AccountCallRecording, OfPerson),
};

const named = (id: string, properties: Schema, more: Schema = {}): Schema => ({
  $id: id,
  type: 'object',
  description: 'Other properties are kept and do nothing.',
  properties: { id: { type: 'string', description: 'Not taken from a body.' }, ...properties },
  ...more,
});

const Account = {
  name: { type: 'string', minLength: 1, maxLength: 256 },
  call_recording: OfAccount,
  metaflows: MetaflowsSchema,
  webhook_url: {
    type: 'string',
    maxLength: 2048,
    description: 'Events of recordings, masks and deliveries are sent here besides, signed: see `…/webhooks`.',
  },
  webhook_secret: {
    type: 'string',
    minLength: 16,
    maxLength: 256,
    description:
      'What they are signed with. Made when none is given, and told in that answer alone; `null` in a PATCH makes a new one.',
  },
  stream_keys: {
    type: 'object',
    additionalProperties: { type: 'object' },
    description:
      'By which streams of voice servers are known: `twilio` and `plivo` `{auth_token, url?}`, `telnyx` `{auth_token}`, `audiohook` `{api_key, client_secret?, url?}`; `url` is what they call where a proxy is between. Never told again; `null` removes.',
  },
};

export const AccountSchema = named('Account', Account, { required: ['name'] });

/** Of a PATCH: what is left out stays. */
export const AccountPatchSchema = named('AccountPatch', Account);

export const NewAccountSchema = named('NewAccount', {
  ...Account,
  api_key: { type: 'string', description: '64 hex digits; told here and never again.' },
});

const Person = { name: { type: 'string', maxLength: 256 }, call_recording: OfPerson, metaflows: MetaflowsSchema };

export const PERSON_SCHEMAS: Readonly<Record<PersonKind, Schema>> = {
  user: named('User', Person),
  device: named('Device', {
    ...Person,
    owner_id: { type: 'string', pattern: PERSON_ID, description: "Its user's id; what it records is that user's." },
  }),
};
