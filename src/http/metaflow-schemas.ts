/** Kazoo's metaflows in JSON Schema (kazoo-contract §1.3, §1.4), for the API's description; `control/` judges documents. */
import { RecordCallFields } from '../core/record-call.ts';

const Node = {
  $id: 'MetaflowNode',
  type: 'object',
  required: ['module'],
  properties: {
    module: { type: 'string', description: "`record_call` is run; Kazoo's other modules are kept and not run." },
    data: RecordCallFields,
    children: { type: 'object', description: 'Nodes by key; `_` is run next.', additionalProperties: true },
  },
};

/** A body. */
export const METAFLOWS_EXAMPLE = {
  data: {
    numbers: {
      71: {
        module: 'record_call',
        data: { action: 'start', format: 'mp3', url: 'https://uploads.example/recordings' },
      },
      72: { module: 'record_call', data: { action: 'mask' } },
      73: { module: 'record_call', data: { action: 'unmask' } },
      74: { module: 'record_call', data: { action: 'stop' } },
    },
  },
};

export const MetaflowsSchema = {
  $id: 'Metaflows',
  type: 'object',
  properties: {
    binding_digit: { type: 'string', enum: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '*', '#'], default: '*' },
    digit_timeout: {
      type: 'integer',
      minimum: 0,
      description: 'Milliseconds between two digits; 800 when there is none.',
    },
    listen_on: { type: 'string', enum: ['both', 'self', 'peer'], description: '`self` when there is none.' },
    numbers: {
      type: 'object',
      description: 'By the digits to dial after the binding digit.',
      additionalProperties: Node,
    },
    patterns: { type: 'object', description: 'By a regular expression over those digits.', additionalProperties: Node },
  },
};
