/** The API's description, OpenAPI 3.1, made from the routes' schemas: what is registered after this is in it. */

import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { kindTable } from '../ingest/streams/kind-table.ts';
import { completeDocument, type IncompleteDocument } from './api-document.ts';
import { AnswerSchema } from './envelope-schema.ts';

const ABOUT = `Records calls that a media server forwards, keeps masked spans out of the recordings, and delivers them.

Paths, envelope and status codes are those of Kazoo's Crossbar API. A body is \`{"data":{…}}\`, an answer \`{"data":…,"status":"success",…}\`;
a refusal has \`"status":"error"\`, its status as \`error\` and what was wrong as \`data\`, every fault by its dotted path.

Fields are strict: a misspelt one is refused, and so is a string where a number belongs. Two places take strings that spell a number or a
boolean (\`"600"\`, \`"true"\`), because Kazoo's clients send them: metaflows, and \`record_call\` fields wherever they are. Properties of
accounts, users and devices that mean nothing here are kept, as Kazoo keeps them. Query parameters that mean nothing are passed over,
but not where recordings are listed or drawn, or events or the audit asked for: a misspelt one would answer another question.

Clients that know only GET and POST say \`?verb=PUT\`, or \`"verb":"PUT"\` in the body. \`/v2/account\` is the account of whoever asks.`;

const TAGS = [
  { name: 'authentication', description: 'From an API key to a token that expires an hour after its last use.' },
  { name: 'accounts', description: 'An account sees itself and nothing else. The admin key makes new ones.' },
  { name: 'users', description: 'Who owns a leg of a call. Settings of a user go before those of the account.' },
  { name: 'devices', description: 'As users; a device may belong to one.' },
  { name: 'metaflows', description: 'Which digits do what to a call: of a user before a device before the account.' },
  { name: 'calls', description: 'A call is announced, then its audio is sent to where the answer says.' },
  { name: 'channels', description: 'The legs of running calls, and the API to start, mask, unmask and stop.' },
  { name: 'streams', description: `Audio as media servers stream it by themselves.\n\n${kindTable()}` },
  { name: 'recordings', description: 'Documents, audio and manifests; replays of uploaded files.' },
  { name: 'events', description: 'What happens, as server-sent events.' },
  { name: 'audit', description: 'Who did what to the account and its calls. An account sees its own.' },
  { name: 'service', description: 'Whether it runs well. Not below /v2.' },
];

const Refusal = {
  $id: 'Refusal',
  description: 'Refused; `message` says in a word why, `data` what of it.',
  type: 'object',
  required: ['data', 'error', 'message', 'status'],
  properties: {
    data: {},
    error: { type: 'string', description: 'The HTTP status.' },
    message: { type: 'string' },
    status: { type: 'string', enum: ['error'] },
    request_id: { type: 'string' },
    timestamp: { type: 'string' },
  },
};

type Described = FastifySchema & { readonly security?: readonly object[]; readonly response?: object };

export const describeApi = async (app: FastifyInstance, version: string): Promise<void> => {
  app.addSchema(Refusal);
  app.addSchema(AnswerSchema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'record-call', version, description: ABOUT, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/', description: 'The service that this description comes from.' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'A token, or the API key itself.' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ token: [] }, { bearer: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`) },
    transformObject: (document) =>
      completeDocument(('openapiObject' in document ? document.openapiObject : {}) as IncompleteDocument),
    transform: ({ schema, url, route }) => {
      const described = (schema ?? {}) as Described;
      const open = route.config?.open === true;
      return {
        url,
        schema: {
          ...described,
          ...(open ? { security: [] } : {}),
        },
      };
    },
  });
};
