import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, test } from 'vitest';
import { FieldErrorList, type FieldErrors, renderFieldErrors } from '../../src/core/field-errors.ts';
import { Validator } from '../../src/core/validation.ts';

const schema = Type.Object(
  {
    action: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['mask', 'unmask'] })),
    size: Type.Optional(Type.Integer({ minimum: 5, maximum: 9 })),
    ratio: Type.Optional(Type.Number()),
    on: Type.Optional(Type.Boolean({ default: false })),
    name: Type.Optional(Type.String({ minLength: 2, maxLength: 4, pattern: '^[a-z]+$' })),
    even: Type.Optional(Type.String({ format: 'even' })),
    list: Type.Optional(Type.Array(Type.Integer(), { maxItems: 3 })),
    'a.b/c~d': Type.Optional(Type.Integer()),
    inner: Type.Optional(Type.Object({ need: Type.String(), level: Type.Integer({ default: 3 }) })),
  },
  { additionalProperties: false },
);

const validator = new Validator<Record<string, unknown>>(schema, { even: (text) => text.length % 2 === 0 });

const errorsOf = (value: unknown, options = {}): FieldErrors => {
  const checked = validator.validate(value, options);
  return checked.ok ? {} : checked.errors;
};

describe('a value that does not validate', () => {
  const rows: { name: string; value: unknown; errors: FieldErrors }[] = [
    {
      name: 'a word that is not in the list',
      value: { action: 'hush' },
      errors: {
        action: {
          enum: {
            message: 'Value not found in enumerated list of values',
            target: ['mask', 'unmask'],
            value: 'hush',
          },
        },
      },
    },
    {
      name: 'a wrong type',
      value: { size: '7' },
      errors: { size: { type: { message: 'Value did not match type(s): integer', target: 'integer', value: '7' } } },
    },
    {
      name: 'a fraction where an integer is asked for',
      value: { size: 7.5 },
      errors: { size: { type: { message: 'Value did not match type(s): integer', target: 'integer', value: 7.5 } } },
    },
    {
      name: 'too little',
      value: { size: 4 },
      errors: { size: { minimum: { message: 'Value must be at least 5', target: 5, value: 4 } } },
    },
    {
      name: 'too much',
      value: { size: 10 },
      errors: { size: { maximum: { message: 'Value must be at most 9', target: 9, value: 10 } } },
    },
    {
      name: 'too short',
      value: { name: 'a' },
      errors: { name: { minLength: { message: 'String must be at least 2 characters', target: 2, cause: 'a' } } },
    },
    {
      name: 'too long',
      value: { name: 'abcde' },
      errors: {
        name: { maxLength: { message: 'String must not be more than 4 characters', target: 4, cause: 'abcde' } },
      },
    },
    {
      name: 'another shape',
      value: { name: 'a1' },
      errors: { name: { pattern: { message: "Failed to match pattern '^[a-z]+$'", target: '^[a-z]+$', value: 'a1' } } },
    },
    {
      name: 'another format',
      value: { even: 'abc' },
      errors: {
        even: { wrong_format: { message: 'Field is not in the correct format', target: 'even', value: 'abc' } },
      },
    },
    {
      name: 'a field that is missing',
      value: { inner: { level: 1 } },
      errors: { 'inner.need': { required: { message: 'Field is required but missing' } } },
    },
    {
      name: 'a field that nobody knows, with a dot in it',
      value: { 'x.y': 1 },
      errors: {
        'x%2Ey': {
          additionalProperties: {
            message: 'Strict checking of data is enabled; only include schema-defined properties',
          },
        },
      },
    },
    {
      name: 'a key with a dot, a slash and a tilde',
      value: { 'a.b/c~d': true },
      errors: {
        'a%2Eb/c~d': { type: { message: 'Value did not match type(s): integer', target: 'integer', value: true } },
      },
    },
    {
      name: 'an item of a list',
      value: { list: [1, null] },
      errors: {
        'list.1': { type: { message: 'Value did not match type(s): integer', target: 'integer', value: null } },
      },
    },
    {
      name: 'a keyword that Kazoo has no sentence for',
      value: { list: [1, 2, 3, 4] },
      errors: { list: { maxItems: { message: 'must NOT have more than 3 items' } } },
    },
    {
      name: 'no object at all',
      value: 'nonsense',
      errors: {
        data: { type: { message: 'Value did not match type(s): object', target: 'object', value: 'nonsense' } },
      },
    },
  ];
  for (const { name, value, errors } of rows) {
    test(`is told in Kazoo's words: ${name}`, () => expect(errorsOf(value)).toEqual(errors));
  }

  test('has every fault told at once', () => {
    const errors = errorsOf({ action: 5, size: 99, nope: 1, inner: {}, name: 'A' });
    expect(Object.keys(errors).sort()).toEqual(['action', 'inner.level', 'inner.need', 'name', 'nope', 'size']);
    expect(Object.keys(errors.action!).sort()).toEqual(['enum', 'type']);
    expect(Object.keys(errors.name!).sort()).toEqual(['minLength', 'pattern']);
  });

  for (const { name, value, quoted } of [
    { name: 'short text', value: 'hush', quoted: 'hush' },
    { name: 'long text, cut', value: 'x'.repeat(5000), quoted: `${'x'.repeat(64)}…` },
    { name: 'control characters, replaced', value: 'a\n\u001b[31m\u2028b', quoted: 'a??[31m?b' },
    { name: 'a URL, which may hold a password, not', value: 'https://user:secret@host/', quoted: undefined },
    { name: 'a number', value: 12, quoted: 12 },
    { name: 'null', value: null, quoted: null },
    { name: 'an object not', value: { card: '4111111111111111' }, quoted: undefined },
  ]) {
    test(`is quoted within bounds: ${name}`, () =>
      expect(errorsOf({ action: value }).action!.enum!.value).toBe(quoted));
  }

  test('is told under keys that are no way to reach a prototype', () => {
    const errors = errorsOf(JSON.parse('{"__proto__": 1, "constructor": 2}'));
    expect(Object.keys(errors).sort()).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(errors)).toBe(Object.prototype);
  });

  test('has no more than a thousand paths told', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, n]));
    expect(Object.keys(errorsOf(many))).toHaveLength(1000);
  });
});

describe('coercion', () => {
  for (const { name, value, taken } of [
    { name: 'an integer', value: { size: '7' }, taken: { size: 7 } },
    { name: 'a number', value: { ratio: '-1.5e1' }, taken: { ratio: -15 } },
    { name: 'true and false', value: { on: 'true' }, taken: { on: true } },
    {
      name: 'inside objects and lists',
      value: { inner: { need: 'x', level: '2' }, list: ['1', 2] },
      taken: { inner: { need: 'x', level: 2 }, list: [1, 2] },
    },
  ]) {
    test(`takes ${name} from a string when asked to, and leaves what it was given alone`, () => {
      const given = structuredClone(value);
      expect(validator.validate(given, { coerce: true })).toEqual({ ok: true, value: taken });
      expect(given).toEqual(value);
      expect(validator.validate(given).ok).toBe(false);
    });
  }

  for (const { name, value } of [
    { name: 'words', value: { size: 'seven' } },
    { name: 'hexadecimal', value: { size: '0x7' } },
    { name: 'nothing', value: { size: '' } },
    { name: 'spaces', value: { size: ' 7 ' } },
    { name: 'numbers as booleans', value: { on: 1 } },
    { name: 'other spellings of true', value: { on: 'yes' } },
    { name: 'numbers as strings', value: { name: 12 } },
    { name: 'null', value: { size: null } },
  ]) {
    test(`does not take ${name}`, () => expect(validator.validate(value, { coerce: true }).ok).toBe(false));
  }

  test('tells what is still wrong afterwards, by what was spelled', () => {
    expect(errorsOf({ size: '99', on: 'x' }, { coerce: true })).toEqual({
      size: { maximum: { message: 'Value must be at most 9', target: 9, value: 99 } },
      on: { type: { message: 'Value did not match type(s): boolean', target: 'boolean', value: 'x' } },
    });
  });
});

describe('defaults', () => {
  test('are filled in only when asked for, in a copy', () => {
    const given = { inner: { need: 'x' } };
    expect(validator.validate(given, { fillDefaults: true })).toEqual({
      ok: true,
      value: { on: false, inner: { need: 'x', level: 3 } },
    });
    expect(given).toEqual({ inner: { need: 'x' } });
    expect(validator.validate({}, {})).toEqual({ ok: true, value: {} });
  });
});

describe('a part of a larger document', () => {
  test('has its own place put before every path', () => {
    const errors = new FieldErrorList();
    expect(validator.check({ action: 'hush' }, errors, ['numbers', '7.2', 'data'])).toBeUndefined();
    expect(validator.check({}, errors, ['numbers', '73', 'data'])).toEqual({});
    expect(Object.keys(errors.toJSON())).toEqual(['numbers.7%2E2.data.action']);
  });
});

describe('the line for a terminal', () => {
  test('says path, sentence and what would be right', () => {
    expect(renderFieldErrors(errorsOf({ action: 'hush' }))).toBe(
      'action: Value not found in enumerated list of values: mask, unmask',
    );
  });

  test('holds every fault, up to a number that can be read', () => {
    const errors = errorsOf({ size: 1, ...Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, n])) });
    const line = renderFieldErrors(errors);
    expect(line.match(/\b(?:k\d+|size): /g)).toHaveLength(20);
    expect(line).toMatch(/; and 11 more$/);
  });

  test('is one line and never quotes a value, whatever is judged', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ minLength: 9, unit: 'binary' }), (json, text) => {
        const errors = errorsOf({ ...(json as object), action: text, [text]: 1 });
        const line = renderFieldErrors(errors);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(renderFieldErrors({ action: errors.action! })).toBe(
          'action: Value not found in enumerated list of values: mask, unmask',
        );
      }),
    );
  });
});
