/** Recordings in JSON Schema: what `service.ts` says in types, for the API's description. */
import { answerSchema } from './envelope-schema.ts';
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE } from './recording-query.ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;

const time = { type: ['string', 'null'], format: 'date-time' } as const;

/** Of a recording, and of an event for a webhook. */
export const DeliverySchema = {
  type: ['object', 'null'],
  description: 'How far it came on its way to its target; null: it has none.',
  properties: {
    state: { type: 'string', enum: ['waiting', 'done', 'failed'] },
    tries: count,
    status: { type: ['integer', 'null'], description: 'Of the last try that had an answer.' },
    host: text,
    in_flight: { type: 'boolean' },
    circuit: {
      type: 'string',
      enum: ['closed', 'open', 'half-open'],
      description: '`open`: the target is down, and only a probe is sent to it now and then.',
    },
    next_try_at: time,
    given_up_at: time,
    error: { type: ['string', 'null'] },
  },
} as const;

export const RecordingSchema = {
  $id: 'Recording',
  type: 'object',
  description: "Kazoo's public fields, and ours.",
  required: ['id', 'call_id', 'state', '_read_only'],
  properties: {
    id: text,
    call_id: text,
    state: {
      type: 'string',
      enum: ['recording', 'finalizing', 'delivering', 'delivered', 'stored', 'discarded', 'failed'],
    },
    name: text,
    content_type: text,
    media_type: text,
    start: { type: 'integer', description: 'Gregorian seconds.' },
    duration_ms: count,
    owner_id: { type: ['string', 'null'] },
    delivery: DeliverySchema,
    _read_only: {
      type: 'object',
      properties: { content_types: { type: 'array', items: text, description: 'Empty: there is no audio yet.' } },
    },
  },
  additionalProperties: true,
} as const;

export const JobSchema = {
  $id: 'Job',
  type: 'object',
  required: ['id', 'kind', 'state', 'progress', 'recordings', 'error'],
  properties: {
    id: text,
    kind: { type: 'string', enum: ['replay'] },
    state: { type: 'string', enum: ['queued', 'running', 'done', 'failed'] },
    progress: { type: 'number', minimum: 0, maximum: 1 },
    recordings: { type: 'array', items: text },
    error: { type: ['object', 'null'], properties: { code: text, message: text } },
  },
} as const;

export const ListQuerySchema = {
  type: 'object',
  description:
    'And filters, all of which have to hold: filter_{key}, filter_not_{key}, has_key, key_missing, has_value, missing_value.',
  properties: {
    start_key: { ...text, description: "An answer's next_start_key." },
    page_size: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    paginate: { type: 'boolean', default: true },
    ascending: { type: 'boolean', default: false },
    created_from: { ...count, description: 'Gregorian seconds; 31 days and an hour before created_to unless said.' },
    created_to: { ...count, description: 'Gregorian seconds; now unless said.' },
    filter_call_id: text,
  },
} as const;

export const PageSchema = {
  page_size: { ...count, description: 'How many are in this answer.' },
  start_key: text,
  next_start_key: { ...text, description: 'Where the next page begins; absent on the last one.' },
} as const;

export const RepresentationQuerySchema = {
  type: 'object',
  properties: {
    accept: { ...text, description: 'Instead of the Accept field: audio/mpeg gives the audio.' },
    inline: { type: 'boolean', description: 'To be played where it is shown, not saved.' },
  },
} as const;

const audio = { schema: { type: 'string', format: 'binary' } } as const;
const Audio = { 'audio/mpeg': audio, 'audio/x-wav': audio } as const;

/** What GET of one recording answers, by `Accept` and `Range`. */
export const RepresentationSchema = {
  200: {
    description: 'The document, or the whole audio.',
    content: { 'application/json': { schema: answerSchema('The recording.', RecordingSchema) }, ...Audio },
  },
  206: { description: 'The part of the audio that `Range` names; one range at a time.', content: Audio },
} as const;

/** Multipart, described as OpenAPI does. */
export const UploadSchema = {
  type: 'object',
  required: ['file'],
  properties: {
    file: { type: 'string', format: 'binary', description: 'A capture, or audio that ffmpeg reads. Any name will do.' },
    data: { ...text, description: 'record_call fields as JSON.' },
  },
} as const;
