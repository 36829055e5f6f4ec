/**
 * `record_call` fields in a request: coerced where Kazoo's clients rely on it (`"600"`, `"true"`), and their target judged as far as
 * it can be on sight (design §6.7). Pure.
 */
import { asAppError } from '../core/errors.ts';
import type { FieldErrorList, FieldPath } from '../core/field-errors.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import { checkRecordCallFields } from '../core/record-call-fields.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { checkUrl } from '../deliver/target-address.ts';

/** @returns `undefined` when there are faults, all of them in `errors`. */
export const recordCallData = (
  value: unknown,
  allow: AllowList,
  errors: FieldErrorList,
  at: FieldPath = [],
): RecordCallFields | undefined => {
  const fields = checkRecordCallFields(value, errors, at, { coerce: true });
  return fields !== undefined && checkTarget(fields, allow, errors, at) ? fields : undefined;
};

/** The same where the only thing to do is to start: an announced call, an uploaded file. */
export const startData = (
  value: unknown,
  allow: AllowList,
  errors: FieldErrorList,
  at: FieldPath = [],
): RecordCallFields | undefined => {
  const fields = recordCallData(value, allow, errors, at);
  if (fields?.action === undefined || fields.action === 'start') return fields;
  errors.add([...at, 'action'], 'enum', {
    message: 'Value not found in enumerated list of values',
    target: ['start'],
    value: fields.action,
  });
  return undefined;
};

/** Literal addresses and `localhost` are judged; other names are when they are dialled. @returns whether it may be. */
export const checkTarget = (
  { url }: RecordCallFields,
  allow: AllowList,
  errors: FieldErrorList,
  at: FieldPath = [],
): boolean => {
  if (url === undefined) return true;
  try {
    checkUrl(url, allow);
    return true;
  } catch (error) {
    errors.add([...at, 'url'], 'error', { message: 'invalid client URL', cause: asAppError(error).message });
    return false;
  }
};
