/**
 * What `PUT` and `POST …/channels/{UUID}` ask for (kazoo-contract §6). Kazoo's clients send numbers and booleans as text here, so
 * `record_call` fields are coerced as Kazoo does. Pure.
 */
import { isObject, type JsonObject, type MetaflowNode, readNode } from '../control/metaflow-node.ts';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, renderFieldErrors } from '../core/field-errors.ts';
import type { RecordAction, RecordCallFields } from '../core/record-call.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { clientChecks, recordCallData } from './record-call-data.ts';

/** The verbs of POST: Kazoo's two, and ours. */
export const CHANNEL_ACTIONS = { start_record: 'start', stop_record: 'stop', mask: 'mask', unmask: 'unmask' } as const;

/**
 * The metaflow to run: `data` of the envelope.
 * @param envelope with `action`, there or in its `data`.
 * @throws FIELDS_INVALID; without details when the action isn't `metaflow`
 */
export const channelMetaflowOf = (envelope: JsonObject, allow: AllowList): MetaflowNode => {
  const { data } = envelope;
  const { action: inner, ...rest } = isObject(data) ? data : {};
  if ((envelope.action ?? inner) !== 'metaflow') throw unknownAction('metaflow');
  const errors = new FieldErrorList();
  // An array is no node and has to be told so. How deep it may be, the JSON parser has seen to.
  const node = readNode(isObject(data) ? rest : data, errors, [], clientChecks(allow));
  if (node === undefined || !errors.empty) throw invalid(errors);
  return node;
};

/**
 * `{"action":"mask", …}`: beside the action, any `record_call` fields.
 * @throws FIELDS_INVALID; without details for an action that isn't known
 */
export const channelActionOf = (
  data: unknown,
  allow: AllowList,
): RecordCallFields & { readonly action: RecordAction } => {
  const { action: verb, ...rest } = isObject(data) ? data : {};
  const action = isVerb(verb) ? CHANNEL_ACTIONS[verb] : undefined;
  if (action === undefined) throw unknownAction(...Object.keys(CHANNEL_ACTIONS));
  const errors = new FieldErrorList();
  const fields = recordCallData({ ...rest, action }, allow, errors);
  if (fields === undefined) throw invalid(errors);
  return { ...fields, action };
};

const isVerb = (verb: unknown): verb is keyof typeof CHANNEL_ACTIONS =>
  typeof verb === 'string' && Object.hasOwn(CHANNEL_ACTIONS, verb);

const unknownAction = (...known: string[]): AppError =>
  new AppError('FIELDS_INVALID', `unknown action; this takes ${known.join(', ')}`);

const invalid = (errors: FieldErrorList): AppError => {
  const details = errors.toJSON();
  return new AppError('FIELDS_INVALID', renderFieldErrors(details), { details });
};
