/** The audit in JSON Schema: what `audit.ts` says in types, for the API's description. */
import { AUDIT_ACTIONS } from './audit.ts';
import { answerSchema } from './envelope-schema.ts';
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE } from './recording-query.ts';
import { PageSchema } from './recording-schemas.ts';

const text = { type: 'string' } as const;

/** Registered once, referred to by the answer. */
export const AuditEntrySchema = {
  $id: 'AuditEntry',
  type: 'object',
  description: 'Never digits, keys, audio or what is in a document; of a URL only its host.',
  required: ['entry', 'at', 'by', 'action', 'subject', 'data', 'hash'],
  properties: {
    entry: { type: 'integer', minimum: 1, description: "Its number among the account's." },
    at: { type: 'string', format: 'date-time' },
    by: {
      type: 'object',
      required: ['kind'],
      properties: {
        kind: { type: 'string', enum: ['api', 'dtmf', 'policy', 'stream'] },
        by: { ...text, description: "The key's id, the policy's name, or the kind of stream." },
        leg: { type: 'string', enum: ['a', 'b'], description: 'Whose code it was.' },
      },
    },
    action: { type: 'string', enum: AUDIT_ACTIONS },
    subject: { ...text, description: 'What it was done to: `user/bob`, `call/c1`, `recording/…`.' },
    data: {
      type: 'object',
      description:
        'What came of it. Of a call: whether something `changed`, whether the call is `masked` then, the ids of the `recordings` it touched, or the code it `failed` with. Of a document: which `fields` were given or `removed`. Of refused keys: how many, since when.',
      additionalProperties: true,
    },
    hash: { ...text, description: 'Over all of it and the hash of the entry before.' },
  },
} as const;

export const AuditQuerySchema = {
  type: 'object',
  properties: {
    start_key: { ...text, description: "An answer's next_start_key." },
    page_size: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    format: { ...text, enum: ['json', 'jsonl'], description: 'jsonl, or `Accept: application/x-ndjson`: the chain.' },
  },
} as const;

export const AuditAnswerSchema = {
  description: 'A page, or the chain.',
  content: {
    'application/json': {
      schema: answerSchema('A page.', { type: 'array', items: { $ref: 'AuditEntry#' } }, PageSchema),
    },
    'application/x-ndjson': { schema: { type: 'string' } },
  },
} as const;
