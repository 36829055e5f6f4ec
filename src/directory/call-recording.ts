/**
 * `call_recording` settings (kazoo-contract §1.5): which calls are recorded by themselves, and how. Strict, as Kazoo's schema is; beside
 * Kazoo's parameters it takes those of our `record_call` fields that make sense without a call. Pure.
 */
import Type, { type Static } from 'typebox';
import type { FieldErrorList, FieldPath } from '../core/field-errors.ts';
import { RecordCallFields, TIME_LIMIT_SECONDS } from '../core/record-call.ts';
import { checkRecordCallFields } from '../core/record-call-fields.ts';
import { Validator } from '../core/validation.ts';
import type { JsonObject } from '../store/rows.ts';
import { isObject } from './json-merge.ts';

const strict = { additionalProperties: false } as const;
const { format, method, record_min_sec, record_on_answer, record_on_bridge, record_sample_rate, url } =
  RecordCallFields.properties;
const { mask_mode, mask_lookback_ms, mask_max_sec, mask_expiry, channels } = RecordCallFields.properties;

const Parameters = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    format,
    method,
    record_min_sec,
    record_on_answer,
    record_on_bridge,
    record_sample_rate,
    time_limit: Type.Optional(Type.Integer({ minimum: 5, maximum: TIME_LIMIT_SECONDS })),
    url,
    mask_mode,
    mask_lookback_ms,
    mask_max_sec,
    mask_expiry,
    channels,
  },
  strict,
);

const parameters = Type.Optional(Parameters);
const Source = Type.Object({ any: parameters, onnet: parameters, offnet: parameters }, strict);
const source = Type.Optional(Source);

/** Of a user or a device, and of an account's two branches. */
export const CallRecording = Type.Object({ any: source, inbound: source, outbound: source }, strict);
const branch = Type.Optional(CallRecording);

/** Of an account: for calls of the account as such, and what its users' and devices' settings begin with. */
export const AccountCallRecording = Type.Object({ account: branch, endpoint: branch }, strict);

export type RecordingParameters = Static<typeof Parameters>;
export type CallRecording = Static<typeof CallRecording>;
export type AccountCallRecording = Static<typeof AccountCallRecording>;

const ofPerson = new Validator<CallRecording>(CallRecording);
const ofAccount = new Validator<AccountCallRecording>(AccountCallRecording);

/** Throws an AppError for a target that is forbidden on sight. */
export type UrlJudge = (url: string) => void;

/** @returns `undefined` when faults were added to `errors`. */
export const checkCallRecording = (
  value: unknown,
  owner: 'account' | 'person',
  errors: FieldErrorList,
  at: FieldPath,
  judgeUrl: UrlJudge,
): JsonObject | undefined => {
  let good = true;
  for (const { path, parameters } of parametersIn(value, owner === 'account' ? 3 : 2, at)) {
    // Without the rest, whose faults the settings' own schema names below.
    const beyond = Object.entries(parameters).filter(([key]) => ['url', 'format', 'record_sample_rate'].includes(key));
    if (checkRecordCallFields(Object.fromEntries(beyond), errors, path, { judgeUrl }) === undefined) good = false;
  }
  const checked = (owner === 'account' ? ofAccount : ofPerson).check(value, errors, at);
  return good ? checked : undefined;
};

/** The objects `depth` keys further down, whatever the keys are. */
const parametersIn = (
  value: unknown,
  depth: number,
  path: FieldPath,
): { path: FieldPath; parameters: JsonObject }[] => {
  if (!isObject(value)) return [];
  if (depth === 0) return [{ path, parameters: value }];
  return Object.entries(value).flatMap(([key, below]) => parametersIn(below, depth - 1, [...path, key]));
};
