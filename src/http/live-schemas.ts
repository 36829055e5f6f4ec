/** Calls, channels and answers to actions in JSON Schema: what `service.ts` says in types, for the API's description. */
import { LEGS } from '../core/leg.ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const texts = { type: 'array', items: text } as const;
const textOrNull = { type: ['string', 'null'] } as const;
const choice = (...values: readonly string[]) => ({ type: 'string', enum: values }) as const;

const LegSchema = {
  $id: 'Leg',
  type: 'object',
  required: ['channel_id', 'user_id', 'device_id', 'state', 'packets', 'dropped'],
  properties: {
    channel_id: text,
    rtp: {
      type: 'object',
      description: 'Where to send this leg; absent where it comes as a stream.',
      required: ['host', 'port'],
      properties: { host: text, port: { type: 'integer', minimum: 1, maximum: 65_535 } },
    },
    sdp: { ...text, description: "The answer to this leg's offer." },
    user_id: textOrNull,
    device_id: textOrNull,
    state: choice('waiting', 'receiving', 'silent', 'ended'),
    packets: count,
    dropped: { ...count, description: 'Refused: another source, no RTP, a payload type nobody knows.' },
  },
} as const;

export const CallSchema = {
  $id: 'Call',
  type: 'object',
  required: ['call_id', 'direction', 'from', 'to', 'state', 'masked', 'announced_at', 'legs', 'recordings'],
  properties: {
    call_id: text,
    direction: choice('inbound', 'outbound'),
    from: text,
    to: text,
    state: {
      ...choice('announced', 'answered', 'bridged', 'ended'),
      description: '`ended` calls can be asked for a minute more.',
    },
    masked: { type: 'boolean' },
    announced_at: { type: 'string', format: 'date-time' },
    legs: { type: 'object', required: LEGS, properties: { a: LegSchema, b: LegSchema } },
    recordings: texts,
  },
} as const;

export const ChannelSchema = {
  $id: 'Channel',
  type: 'object',
  properties: {
    uuid: text,
    call_id: text,
    leg: choice(...LEGS),
    other_leg: text,
    direction: choice('inbound', 'outbound'),
    answered: { type: 'boolean' },
    authorizing_id: textOrNull,
    authorizing_type: { type: ['string', 'null'], enum: ['device', 'user', null] },
    owner_id: textOrNull,
    username: text,
    destination: text,
    presence_id: text,
    timestamp: { type: 'integer', description: 'Gregorian seconds.' },
    masked: { type: 'boolean' },
    recordings: texts,
  },
} as const;

/** Design §6.7. */
export const ActionResultSchema = {
  $id: 'ActionResult',
  type: 'object',
  required: ['action', 'changed', 'masked', 'recordings'],
  properties: {
    action: choice('mask', 'unmask', 'start', 'stop', 'toggle'),
    changed: { type: 'boolean', description: 'False for a repeat, and when there was nothing to act on.' },
    masked: { type: 'boolean', description: 'Whether the call is masked now.' },
    recordings: {
      type: 'array',
      description: 'Those that were touched. None: nothing was recording, and a mask is still remembered.',
      items: {
        type: 'object',
        required: ['id', 'state', 'masked', 'position_ms'],
        properties: {
          id: text,
          state: choice('recording', 'finalizing'),
          masked: { type: 'boolean' },
          position_ms: { type: 'number', description: "From the recording's start, on the call's clock." },
        },
      },
    },
  },
} as const;

/** What a metaflow's node did: a module that is not run here says so. */
export const NodeResultSchema = {
  anyOf: [
    ActionResultSchema,
    { type: 'object', properties: { module: text, run: { type: 'boolean', enum: [false] } } },
  ],
} as const;
