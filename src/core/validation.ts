/**
 * Judges values by a JSON schema and tells every fault at once, in Kazoo's words. Pure; never changes the value it is given.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type FieldError, FieldErrorList, type FieldErrors, type FieldPath, quoted } from './field-errors.ts';

/** Kazoo's message for a field that its schema doesn't know. */
export const STRICT = 'Strict checking of data is enabled; only include schema-defined properties';

export type CheckOptions = {
  /** Takes strings that spell an integer, a number or a boolean where one is asked for (`"600"`, `"true"`), as Kazoo does. */
  readonly coerce?: boolean;
  /** Adds the schema's defaults to the answer; the value must then be plain JSON. */
  readonly fillDefaults?: boolean;
};

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: FieldErrors };

/** One schema, compiled at first use. `T` is what the schema describes. Schemas are code: never one from outside. */
export class Validator<T> {
  readonly #schema: object;
  readonly #formats: Readonly<Record<string, (text: string) => boolean>>;
  #plain: ValidateFunction | undefined;
  #filling: ValidateFunction | undefined;

  /** @param formats judges for the schema's `format` keywords; a format without one fails at first use. */
  constructor(schema: object, formats: Readonly<Record<string, (text: string) => boolean>> = {}) {
    this.#schema = schema;
    this.#formats = formats;
  }

  validate(value: unknown, options: CheckOptions = {}): Checked<T> {
    const errors = new FieldErrorList();
    const checked = this.check(value, errors, [], options);
    // `checked` may rightly be undefined only when there are errors: no schema takes undefined.
    return errors.empty ? { ok: true, value: checked as T } : { ok: false, errors: errors.toJSON() };
  }

  /**
   * Checks a part of a larger document.
   * @param at where the part is in it; put before every path.
   * @returns the value, coerced and filled as asked; `undefined` when faults were added to `errors`.
   */
  check(value: unknown, errors: FieldErrorList, at: FieldPath = [], options: CheckOptions = {}): T | undefined {
    const judge = options.fillDefaults ? this.#fillingJudge() : this.#plainJudge();
    let subject = options.fillDefaults ? structuredClone(value) : value;
    if (judge(subject)) return subject as T;
    if (options.coerce) {
      // Like Kazoo: only once the value as given was refused, and only where a type was wrong.
      for (const error of judge.errors ?? []) subject = coerced(subject, error);
      if (judge(subject)) return subject as T;
    }
    for (const error of judge.errors ?? []) {
      const [below, code, fault] = faultOf(error);
      errors.add([...at, ...keysOf(error.instancePath), ...below], code, fault);
    }
    return undefined;
  }

  #plainJudge(): ValidateFunction {
    this.#plain ??= this.#compile(false);
    return this.#plain;
  }

  #fillingJudge(): ValidateFunction {
    this.#filling ??= this.#compile(true);
    return this.#filling;
  }

  #compile(useDefaults: boolean): ValidateFunction {
    return new Ajv({
      allErrors: true,
      verbose: true,
      ownProperties: true,
      allowUnionTypes: true,
      useDefaults,
      formats: this.#formats,
    }).compile(this.#schema);
  }
}

const keysOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

/** One fault: keys to go down further, code, and the rest. Kazoo's codes and sentences (kazoo-contract §8.3). */
const faultOf = ({ keyword, params, data, message }: ErrorObject): readonly [FieldPath, string, FieldError] => {
  const value = quoted(data);
  const found = value === undefined ? {} : { value };
  const here = (code: string, said: string, target: unknown) =>
    [[], code, { message: said, target, ...found }] as const;
  const length = (said: string) =>
    [[], keyword, { message: said, target: params.limit, ...(value === undefined ? {} : { cause: value }) }] as const;
  switch (keyword) {
    case 'required':
      return [[params.missingProperty], 'required', { message: 'Field is required but missing' }];
    case 'additionalProperties':
      return [[params.additionalProperty], 'additionalProperties', { message: STRICT }];
    case 'enum':
      return here('enum', 'Value not found in enumerated list of values', params.allowedValues);
    case 'type':
      return here('type', `Value did not match type(s): ${[params.type].flat().join(', ')}`, params.type);
    case 'minimum':
      return here('minimum', `Value must be at least ${params.limit}`, params.limit);
    case 'maximum':
      return here('maximum', `Value must be at most ${params.limit}`, params.limit);
    case 'minLength':
      return length(`String must be at least ${params.limit} characters`);
    case 'maxLength':
      return length(`String must not be more than ${params.limit} characters`);
    case 'pattern':
      return here('pattern', `Failed to match pattern '${params.pattern}'`, params.pattern);
    case 'format':
      return here('wrong_format', 'Field is not in the correct format', params.format);
    default:
      return [[], keyword, { message: message ?? `Value failed '${keyword}'` }];
  }
};

const spelled = (text: string, type: string): unknown => {
  switch (type) {
    case 'integer':
      return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'number':
      return /^[+-]?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
};

/** `subject` with the string that the `type` error is about replaced by what it spells; only the way there is copied. */
const coerced = (subject: unknown, error: ErrorObject): unknown => {
  if (error.keyword !== 'type' || typeof error.data !== 'string') return subject;
  let replacement: unknown = error.data;
  for (const type of [error.params.type].flat()) {
    if (typeof replacement === 'string') replacement = spelled(replacement, String(type));
  }
  const replace = (node: unknown, keys: readonly string[]): unknown => {
    const [key, ...rest] = keys;
    if (key === undefined) return replacement;
    const value = replace((node as Record<string, unknown>)[key], rest);
    return Array.isArray(node) ? node.with(Number(key), value) : { ...(node as object), [key]: value };
  };
  return replace(subject, keysOf(error.instancePath));
};
