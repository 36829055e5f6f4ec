/** Webhooks in JSON Schema: what `service.ts` says in types, for the API's description. */
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE } from './recording-query.ts';
import { DeliverySchema, PageSchema } from './recording-schemas.ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;

export const WebhookSchema = {
  $id: 'Webhook',
  type: 'object',
  description: 'An event, and how far it came.',
  required: ['id', 'type', 'at', 'data', 'delivery'],
  properties: {
    id: text,
    type: text,
    at: { ...text, format: 'date-time' },
    data: { type: 'object', additionalProperties: true },
    delivery: DeliverySchema,
  },
} as const;

export const WebhookQuerySchema = {
  type: 'object',
  properties: {
    start_key: { ...text, description: "An answer's next_start_key." },
    page_size: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
  },
} as const;

export const WebhookPageSchema = {
  ...PageSchema,
  dropped: { ...count, description: 'Events that did not fit since the service started: 10,000 are kept.' },
} as const;
