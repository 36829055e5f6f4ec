/** Streams in JSON Schema: what `stream-service.ts` says in types, for the API's description. */
import { LEGS } from '../core/leg.ts';

const text = { type: 'string' } as const;
const leg = { type: 'string', enum: [...LEGS] } as const;
const legs = { type: 'array', items: leg } as const;
const bytes = { type: 'integer', minimum: 0, description: 'Of audio, as it came.' } as const;

export const StreamTicketAnswerSchema = {
  $id: 'StreamTicket',
  type: 'object',
  required: ['uuid', 'kind', 'call_id', 'leg'],
  properties: {
    uuid: { ...text, format: 'uuid' },
    kind: text,
    call_id: text,
    leg: { type: ['string', 'null'], enum: [...LEGS, null] },
    host: { ...text, description: 'Of a kind with a port of its own.' },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    url: { ...text, description: 'Path and query, of a kind that comes by HTTP.' },
  },
} as const;

export const StreamSchema = {
  $id: 'Stream',
  type: 'object',
  required: ['id', 'kind', 'call_id', 'legs', 'stream_id', 'opened_at', 'bytes'],
  properties: {
    id: text,
    kind: text,
    call_id: text,
    legs,
    stream_id: { type: ['string', 'null'], description: "The media server's own." },
    opened_at: { ...text, format: 'date-time' },
    bytes,
  },
} as const;

export const StreamSummarySchema = {
  $id: 'StreamSummary',
  type: 'object',
  required: ['call_id', 'kind', 'legs', 'bytes', 'reason'],
  properties: { call_id: text, kind: text, legs, bytes, reason: text },
} as const;
