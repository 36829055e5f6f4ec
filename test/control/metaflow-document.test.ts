import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { echoMetaflows, parseMetaflows, parseMetaflowsJson } from '../../src/control/metaflow-document.ts';
import { AppError } from '../../src/core/errors.ts';
import type { FieldErrors } from '../../src/core/field-errors.ts';
import { numbers, recordCall } from './documents.ts';

const thrown = (act: () => unknown): AppError => {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

const faults = (value: unknown, options = {}): FieldErrors => {
  const error = thrown(() => parseMetaflows(value, options));
  expect(error.code).toBe('METAFLOWS_INVALID');
  expect(error.message).not.toMatch(/[\r\n]/);
  return error.details as FieldErrors;
};

/** Objects within objects: `deep('children', 3)` is `{children:{x:{children:{x:{…}}}}}` of nodes. */
const nested = (depth: number): object => {
  let node: object = recordCall('mask');
  for (let n = 0; n < depth; n++) node = { ...recordCall('mask'), children: { _: node } };
  return node;
};

const seed = { numbers: numbers({ 71: 'start', 72: 'mask', 73: 'unmask', 74: 'stop' }) };

describe('a metaflows document', () => {
  test('is read into typed nodes', () => {
    const document = parseMetaflows({
      binding_digit: '#',
      digit_timeout: 500,
      listen_on: 'both',
      numbers: { 72: { ...recordCall('mask'), children: { _: { module: 'hangup' }, 2: recordCall('stop') } } },
      patterns: { '^2(\\d+)$': { module: 'callflow', data: { id: 'x' } } },
    });
    expect(document).toMatchObject({ bindingDigit: '#', digitTimeoutMs: 500, listenOn: 'both' });
    const mask = document.numbers.get('72')!;
    expect(mask).toMatchObject({ module: 'record_call', data: { action: 'mask' } });
    expect([...mask.children.keys()]).toEqual(['2', '_']);
    expect(mask.children.get('_')).toMatchObject({ module: 'hangup', data: {} });
    expect(document.patterns.map(({ pattern, node }) => [pattern.source, node.module])).toEqual([
      ['^2(\\d+)$', 'callflow'],
    ]);
  });

  test('has Kazoo’s defaults where it says nothing', () =>
    expect(parseMetaflows({})).toMatchObject({ bindingDigit: '*', digitTimeoutMs: 800, listenOn: undefined }));

  test('may come in Kazoo’s envelope, bare, or with keys that nobody knows, which are kept', () => {
    expect(parseMetaflows({ data: seed, auth_token: 't' }).numbers.size).toBe(4);
    expect(parseMetaflows({ ...seed, data: { any: 1 }, binding_key: 'x' }).json).toEqual({
      ...seed,
      data: { any: 1 },
      binding_key: 'x',
    });
    expect(Object.keys(faults({ data: { numbers: { 7: {} } } }))).toEqual(['numbers.7.module']);
  });

  test('keeps patterns in their order, but for plain integers, which JavaScript puts first', () =>
    expect(
      parseMetaflows({
        patterns: { '^9': recordCall('mask'), '^1': recordCall('stop'), 72: recordCall('start') },
      }).patterns.map(({ pattern }) => pattern.source),
    ).toEqual(['72', '^9', '^1']));

  test('waits an hour at most: timers count in 31 bits of milliseconds', () =>
    expect(parseMetaflows({ digit_timeout: 1e12 }).digitTimeoutMs).toBe(3_600_000));

  for (const module of [
    'audio_level',
    'break',
    'callflow',
    'hangup',
    'hold',
    'intercept',
    'move',
    'park',
    'play',
    'resume',
    'say',
    'transfer',
    'tts',
    'unpark',
  ]) {
    test(`may name Kazoo's module ${module}, its data unjudged`, () =>
      expect(parseMetaflows({ numbers: { 1: { module, data: { x: 1 } } } }).numbers.get('1')).toMatchObject({
        module,
        data: { x: 1 },
      }));
  }
});

describe('a faulty metaflows document', () => {
  const rows: { name: string; value: unknown; paths: Record<string, string> }[] = [
    { name: 'no object', value: [], paths: { data: 'type' } },
    { name: 'a binding digit of two', value: { binding_digit: '**' }, paths: { binding_digit: 'enum' } },
    { name: 'a binding letter', value: { binding_digit: 'A' }, paths: { binding_digit: 'enum' } },
    { name: 'a negative timeout', value: { digit_timeout: -1 }, paths: { digit_timeout: 'minimum' } },
    { name: 'a timeout as text', value: { digit_timeout: '800' }, paths: { digit_timeout: 'type' } },
    { name: 'another leg', value: { listen_on: 'a' }, paths: { listen_on: 'enum' } },
    { name: 'numbers as a list', value: { numbers: [] }, paths: { numbers: 'type' } },
    {
      name: 'a number with a star',
      value: { numbers: { '*72': recordCall('mask') } },
      paths: { 'numbers.*72': 'additionalProperties' },
    },
    {
      name: 'a number too long to be typed',
      value: { numbers: { ['7'.repeat(33)]: recordCall('mask') } },
      paths: { [`numbers.${'7'.repeat(33)}`]: 'maxLength' },
    },
    {
      name: 'a node without module',
      value: { numbers: { 72: { data: {} } } },
      paths: { 'numbers.72.module': 'required' },
    },
    { name: 'a node that is none', value: { numbers: { 72: 'mask' } }, paths: { 'numbers.72': 'type' } },
    {
      name: 'an empty module',
      value: { numbers: { 72: { module: '' } } },
      paths: { 'numbers.72.module': 'minLength' },
    },
    {
      name: 'an unknown module',
      value: { numbers: { 72: { module: 'record_cal' } } },
      paths: { 'numbers.72.module': 'error' },
    },
    {
      name: 'data that is none',
      value: { numbers: { 72: { module: 'record_call', data: [] } } },
      paths: { 'numbers.72.data': 'type' },
    },
    {
      name: 'an action that is none',
      value: { numbers: { 72: recordCall('hush') } },
      paths: { 'numbers.72.data.action': 'enum' },
    },
    {
      name: 'a field nobody knows',
      value: { numbers: { 72: { module: 'record_call', data: { acton: 'mask' } } } },
      paths: { 'numbers.72.data.acton': 'additionalProperties' },
    },
    {
      name: 'a rate no mp3 has',
      value: { numbers: { 71: { module: 'record_call', data: { record_sample_rate: 9000 } } } },
      paths: { 'numbers.71.data.record_sample_rate': 'error' },
    },
    {
      name: 'a hidden file',
      value: { numbers: { 71: { module: 'record_call', data: { media_name: '..' } } } },
      paths: { 'numbers.71.data.media_name': 'error' },
    },
    {
      name: 'another scheme',
      value: { numbers: { 71: { module: 'record_call', data: { url: 'ftp://h/' } } } },
      paths: { 'numbers.71.data.url': 'error' },
    },
    {
      name: 'children two deep',
      value: {
        numbers: { 1: { module: 'hold', children: { _: { module: 'park', children: { x: { module: 'nope' } } } } } },
      },
      paths: { 'numbers.1.children._.children.x.module': 'error' },
    },
    {
      name: 'children that are none',
      value: { numbers: { 1: { module: 'hold', children: 5 } } },
      paths: { 'numbers.1.children': 'type' },
    },
    {
      name: 'a pattern with dots, its data faulty',
      value: { patterns: { '^7..$': recordCall('hush') } },
      paths: { 'patterns.^7%2E%2E$.data.action': 'enum' },
    },
    {
      name: 'a pattern that is none',
      value: { patterns: { '^7(': recordCall('mask') } },
      paths: { 'patterns.^7(': 'error' },
    },
    {
      name: 'a pattern that looks ahead',
      value: { patterns: { '7(?=2)': recordCall('mask') } },
      paths: { 'patterns.7(?=2)': 'error' },
    },
    {
      name: 'a pattern that refers back',
      value: { patterns: { '(7)\\1': recordCall('mask') } },
      paths: { 'patterns.(7)\\1': 'error' },
    },
    {
      name: 'a pattern of hundreds of characters',
      value: { patterns: { ['7'.repeat(300)]: recordCall('mask') } },
      paths: { [`patterns.${'7'.repeat(128)}…`]: 'error' },
    },
    {
      name: 'too many patterns',
      value: { patterns: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`^${n}`, recordCall('mask')])) },
      paths: { patterns: 'error' },
    },
    {
      name: 'patterns that would cost too much per digit',
      value: {
        patterns: Object.fromEntries(
          Array.from({ length: 20 }, (_, n) => [`(\\d{1,100}){1,9}#${n}`, recordCall('mask')]),
        ),
      },
      paths: { patterns: 'error' },
    },
    { name: 'nodes nested without end', value: { numbers: { 1: nested(5000) } }, paths: { data: 'error' } },
    {
      name: 'more than anyone writes',
      value: { numbers: seed.numbers, junk: Array.from({ length: 20_001 }, () => 0) },
      paths: { data: 'error' },
    },
  ];
  for (const { name, value, paths } of rows) {
    test(`is refused with the path: ${name}`, () =>
      expect(Object.entries(faults(value)).map(([path, codes]) => [path, Object.keys(codes).join()])).toEqual(
        Object.entries(paths),
      ));
  }

  test('has every fault told at once, below faulty nodes too', () => {
    const errors = faults({
      binding_digit: 'x',
      numbers: { 71: recordCall('hush'), 72: { data: 5, children: { _: { module: 'nope' } } }, '7a': {} },
      patterns: { '[': recordCall('mask'), '^1$': { module: 'record_call', data: { format: 'ogg', time_limit: 0 } } },
    });
    expect(Object.keys(errors).sort()).toEqual([
      'binding_digit',
      'numbers.71.data.action',
      'numbers.72.children._.module',
      'numbers.72.data',
      'numbers.72.module',
      'numbers.7a',
      'numbers.7a.module',
      'patterns.[',
      'patterns.^1$.data.format',
      'patterns.^1$.data.time_limit',
    ]);
  });

  test('says it as Kazoo does', () => {
    expect(faults({ numbers: { 72: recordCall('hush'), 9: { module: 'nope' } } })).toEqual({
      'numbers.72.data.action': {
        enum: {
          message: 'Value not found in enumerated list of values',
          target: ['mask', 'unmask', 'start', 'stop', 'toggle'],
          value: 'hush',
        },
      },
      'numbers.9.module': {
        error: { message: 'unable to find metaflow schema for module nope', value: 'nope' },
      },
    });
  });

  test('has its numbers and booleans coerced only when asked to', () => {
    const value = {
      digit_timeout: '900',
      numbers: { 71: { module: 'record_call', data: { record_on_answer: 'true', time_limit: '60' } } },
    };
    expect(Object.keys(faults(value))).toHaveLength(3);
    const document = parseMetaflows(value, { coerce: true });
    expect(document.digitTimeoutMs).toBe(900);
    expect(document.json).toEqual({
      digit_timeout: 900,
      numbers: { 71: { module: 'record_call', data: { record_on_answer: true, time_limit: 60 } } },
    });
  });
});

describe('the echo', () => {
  test('of Kazoo’s own example is Kazoo’s answer', () => {
    const on = (action: string) => ({
      module: 'record_call',
      data: { action, record_on_answer: false, record_on_bridge: false },
    });
    expect(echoMetaflows(parseMetaflows(seed))).toEqual({
      binding_digit: '*',
      numbers: { 71: on('start'), 72: on('mask'), 73: on('unmask'), 74: on('stop') },
    });
  });

  test('fills in what is missing at every depth, keeps what is written, and adds nothing else', () => {
    const document = parseMetaflows({
      binding_digit: '#',
      extra: { kept: true },
      numbers: {
        1: {
          module: 'record_call',
          note: 'kept',
          children: { _: { module: 'record_call', data: { record_on_bridge: true, mask_mode: 'drop' } } },
        },
      },
      patterns: { '^2': { module: 'hangup' } },
    });
    expect(echoMetaflows(document)).toEqual({
      binding_digit: '#',
      extra: { kept: true },
      numbers: {
        1: {
          module: 'record_call',
          note: 'kept',
          data: { action: 'toggle', record_on_answer: false, record_on_bridge: false },
          children: {
            _: {
              module: 'record_call',
              data: { action: 'toggle', record_on_answer: false, record_on_bridge: true, mask_mode: 'drop' },
            },
          },
        },
      },
      patterns: { '^2': { module: 'hangup' } },
    });
    expect(echoMetaflows(parseMetaflows({}))).toEqual({ binding_digit: '*' });
  });

  test('is itself a document, and its own echo', () => {
    const echo = echoMetaflows(parseMetaflows({ ...seed, patterns: { '^9': recordCall('stop') }, digit_timeout: 5 }));
    expect(echoMetaflows(parseMetaflows(echo))).toEqual(echo);
  });
});

describe('the text of a file', () => {
  test('is read', () => expect(parseMetaflowsJson(JSON.stringify({ data: seed }), 'm.json').numbers.size).toBe(4));

  for (const { name, text, message } of [
    { name: 'not JSON', text: '{\n  "numbers": {\n    "72" {}\n', message: 'm.json: not JSON at line 3, column 10' },
    { name: 'empty', text: '', message: 'm.json: not JSON at line 1, column 1' },
    { name: 'too large', text: ' '.repeat((1 << 20) + 1), message: 'm.json: larger than 1 MiB' },
    { name: 'JSON of another kind', text: '7', message: 'm.json: data: Value did not match type(s): object' },
    {
      name: 'faulty',
      text: '{"numbers":{"72":{"module":"record_call","data":{"action":"hush"}}}}',
      message:
        'm.json: numbers.72.data.action: Value not found in enumerated list of values: mask, unmask, start, stop, toggle',
    },
  ]) {
    test(`is refused on one line: ${name}`, () => {
      const error = thrown(() => parseMetaflowsJson(text, 'm.json'));
      expect([error.code, error.message]).toEqual(['METAFLOWS_INVALID', message]);
    });
  }
});

describe('whatever comes', () => {
  const key = fc.oneof(
    fc.constantFrom('72', '_', '^7', '(', '__proto__', 'constructor', 'module', 'data', 'children'),
    fc.string({ maxLength: 6 }),
  );
  const { node } = fc.letrec((tie) => ({
    node: fc.record(
      {
        module: fc.oneof(fc.constantFrom('record_call', 'hangup', 'nope'), fc.jsonValue()),
        data: fc.oneof(
          fc.record({ action: fc.constantFrom('mask', 'stop', 'hush') }, { requiredKeys: [] }),
          fc.jsonValue(),
        ),
        children: fc.oneof(
          { maxDepth: 3 },
          fc.constant({}),
          fc.dictionary(key, tie('node'), { maxKeys: 3 }),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    ),
  }));
  const nodes = fc.oneof(fc.dictionary(key, node, { maxKeys: 4 }), fc.jsonValue());
  const nearly = fc.record(
    {
      binding_digit: fc.oneof(fc.constantFrom('*', '#', '5'), fc.jsonValue()),
      digit_timeout: fc.oneof(fc.nat(), fc.jsonValue()),
      listen_on: fc.oneof(fc.constantFrom('self', 'peer', 'both'), fc.jsonValue()),
      numbers: nodes,
      patterns: nodes,
      data: nodes,
    },
    { requiredKeys: [] },
  );

  test('it is read, and then its echo too, or refused with a code, paths and one line', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.jsonValue()), fc.boolean(), (value, coerce) => {
        const json = JSON.stringify(value);
        const given = JSON.parse(json);
        try {
          const document = parseMetaflows(given, { coerce });
          expect(parseMetaflows(echoMetaflows(document)).numbers.size).toBe(document.numbers.size);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect(error.code).toBe('METAFLOWS_INVALID');
          expect(error.message).not.toMatch(/[\r\n]/);
          expect(Object.keys(error.details as object)).not.toHaveLength(0);
        }
        expect(JSON.stringify(given)).toBe(json);
      }),
      { numRuns: 1000 },
    );
  });

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        try {
          parseMetaflowsJson(text, 'm.json');
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect(error.message).toMatch(/^m\.json: [^\r\n]+$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
