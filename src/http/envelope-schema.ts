/** The envelope in JSON Schema, for the API's description. Describes only: bodies are judged by `dataOf`. */

export type Schema = Readonly<Record<string, unknown>>;

/** A body with `data` in it. @param beside fields of the envelope itself. @param example a whole body, for the page */
export const envelopeSchema = (
  data: object,
  beside: Readonly<Record<string, object>> = {},
  example?: unknown,
): Schema => ({
  type: 'object',
  required: ['data'],
  properties: { data, ...beside },
  ...(example === undefined ? {} : { examples: [example] }),
});

/** What every answer of success has beside its `data`; registered once, referred to by all. */
export const AnswerSchema = {
  $id: 'Answer',
  description: 'The envelope of success, around `data`.',
  type: 'object',
  required: ['data', 'status'],
  properties: {
    status: { type: 'string', enum: ['success'] },
    request_id: { type: 'string' },
    revision: { type: 'string', description: 'The ETag of a document.' },
    timestamp: { type: 'string', description: 'UTC.' },
    node: { type: 'string' },
    version: { type: 'string' },
    auth_token: { type: 'string' },
  },
} as const;

/** An answer with `data` in it, for `schema.response`. @param beside fields of the envelope itself */
export const answerSchema = (
  description: string,
  data: object = {},
  beside: Readonly<Record<string, object>> = {},
): Schema => ({
  description,
  allOf: [{ $ref: 'Answer#' }, { type: 'object', properties: { data, ...beside } }],
});
