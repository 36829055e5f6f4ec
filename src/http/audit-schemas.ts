/** The audit in JSON Schema: what `audit.ts` says in types, for the API's description. */
import { AUDIT_ACTIONS } from './audit.ts';
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE } from './recording-query.ts';

const text = { type: 'string' } as const;

export const AuditEntrySchema = {
  $id: 'AuditEntry',
  type: 'object',
  description: 'Never digits, keys, audio or what is in a document; of a URL only its host.',
  required: ['at', 'by', 'action', 'subject', 'data'],
  properties: {
    at: { type: 'string', format: 'date-time' },
    by: {
      type: 'object',
      required: ['kind'],
      properties: {
        kind: { type: 'string', enum: ['api', 'dtmf', 'policy'] },
        by: { ...text, description: "The key's id, or the policy's name." },
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
  },
} as const;

export const AuditQuerySchema = {
  type: 'object',
  properties: {
    start_key: { ...text, description: "An answer's next_start_key." },
    page_size: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
  },
} as const;
