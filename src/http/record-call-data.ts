/**
 * `record_call` fields in a request: coerced where Kazoo's clients rely on it (`"600"`, `"true"`), and their target judged as far as
 * it can be on sight (design §6.7). Pure.
 */
import type { FieldErrorList, FieldPath } from '../core/field-errors.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import { checkRecordCallFields, type RecordCallChecks } from '../core/record-call-fields.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { checkUrl } from '../deliver/target-address.ts';

/** How fields of a client are judged. Of targets, literal addresses and `localhost`; other names are when they are dialled. */
export const clientChecks = (allow: AllowList): RecordCallChecks => ({
  coerce: true,
  judgeUrl: (url) => void checkUrl(url, allow),
});

/** @returns `undefined` when there are faults, all of them in `errors`. */
export const recordCallData = (
  value: unknown,
  allow: AllowList,
  errors: FieldErrorList,
  at: FieldPath = [],
): RecordCallFields | undefined => checkRecordCallFields(value, errors, at, clientChecks(allow));

/** The same where the only thing to do is to start: an announced call, an uploaded file. */
export const startData = (
  value: unknown,
  allow: AllowList,
  errors: FieldErrorList,
  at: FieldPath = [],
): RecordCallFields | undefined => {
  const fields = recordCallData(value, allow, errors, at);
  const action = typeof value === 'object' && value !== null && 'action' in value ? value.action : undefined;
  if (action === undefined || action === 'start') return fields;
  if (!errors.has([...at, 'action'])) {
    errors.add([...at, 'action'], 'enum', {
      message: 'Value not found in enumerated list of values',
      target: ['start'],
      value: action,
    });
  }
  return undefined;
};
