/** `{"action": …}`, which Kazoo's POSTs have as their data. Pure. */
import { isObject } from '../control/metaflow-node.ts';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, renderFieldErrors } from '../core/field-errors.ts';
import { STRICT } from '../core/validation.ts';
import { envelopeSchema, type Schema } from './envelope-schema.ts';

/** @throws FIELDS_INVALID: without details for an action that isn't known; with them for anything beside it */
export const namedAction = <A extends string>(data: unknown, known: readonly A[]): A => {
  const { action: name, ...rest } = isObject(data) ? data : {};
  const action = known.find((one) => one === name);
  if (action === undefined) throw new AppError('FIELDS_INVALID', `unknown action; this takes ${known.join(', ')}`);
  const errors = new FieldErrorList();
  for (const key of Object.keys(rest)) errors.add([key], 'additionalProperties', { message: STRICT });
  if (errors.empty) return action;
  const details = errors.toJSON();
  throw new AppError('FIELDS_INVALID', renderFieldErrors(details), { details });
};

export const actionSchema = (known: readonly string[]): Schema =>
  envelopeSchema(
    {
      type: 'object',
      required: ['action'],
      properties: { action: { type: 'string', enum: [...known] } },
      additionalProperties: false,
    },
    {},
    { data: { action: known[0] } },
  );
