import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { FieldErrorList, type FieldErrors } from '../../src/core/field-errors.ts';
import { MP3_RATES } from '../../src/core/record-call.ts';
import { checkRecordCallFields, parseRecordCallFields } from '../../src/core/record-call-fields.ts';

const refusal = (value: unknown): AppError => {
  try {
    parseRecordCallFields(value);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

const full = {
  action: 'start',
  dtmf_leg: 'x',
  format: 'wav',
  label: 'l',
  media_name: 'Call_1.wav',
  method: 'post',
  origin: 'o',
  record_min_sec: 0,
  record_on_answer: true,
  record_on_bridge: false,
  record_sample_rate: 44_099,
  time_limit: 10_800,
  url: 'https://example.com/in?k=',
  mask_mode: 'tone',
  mask_lookback_ms: 10_000,
  mask_max_sec: 1,
  mask_expiry: 'stop',
  channels: 'mono',
};

describe('record_call fields', () => {
  test('are all taken as they are', () => expect(parseRecordCallFields(full)).toEqual(full));
  test('may all be absent', () => expect(parseRecordCallFields({})).toEqual({}));
  test('are coerced only when asked to be', () => {
    expect(parseRecordCallFields({ time_limit: '600', record_on_answer: 'true' }, { coerce: true })).toEqual({
      time_limit: 600,
      record_on_answer: true,
    });
    expect(Object.keys(refusal({ time_limit: '600' }).details as object)).toEqual(['time_limit']);
  });

  for (const field of Object.keys(full)) {
    test(`refuse an object as ${field}`, () => {
      const error = refusal({ [field]: {} });
      expect(error.code).toBe('FIELDS_INVALID');
      expect(Object.keys(error.details as FieldErrors)).toEqual([field]);
    });
  }

  test('are refused with every fault at once', () => {
    const error = refusal({ format: 'ogg', time_limit: 0, tyme_limit: 5 });
    expect(error.code).toBe('FIELDS_INVALID');
    expect(Object.keys(error.details as FieldErrors).sort()).toEqual(['format', 'time_limit', 'tyme_limit']);
    expect(error.message).toBe(
      'record_call: tyme_limit: Strict checking of data is enabled; only include schema-defined properties; ' +
        'format: Value not found in enumerated list of values: mp3, wav; time_limit: Value must be at least 1',
    );
    expect(
      Object.keys(
        refusal({ url: 'ftp://h/', media_name: '..', record_sample_rate: 9000 }).details as FieldErrors,
      ).sort(),
    ).toEqual(['media_name', 'record_sample_rate', 'url']);
  });

  for (const { given, paths } of [
    { given: { url: 'ftp://x', foo: 1, record_sample_rate: 123 }, paths: ['foo', 'record_sample_rate', 'url'] },
    { given: { url: 'ftp://x', foo: 1, record_sample_rate: 9000 }, paths: ['foo', 'record_sample_rate', 'url'] },
    {
      given: { url: 'ftp://x', record_sample_rate: '9000', time_limit: 0 },
      paths: ['record_sample_rate', 'time_limit', 'url'],
    },
    { given: { media_name: '.hidden', foo: 1 }, paths: ['foo', 'media_name'] },
    { given: { media_name: 'a.wav', action: 'start', foo: 1 }, paths: ['foo', 'media_name'] },
    { given: { url: 5, media_name: 5, record_sample_rate: {} }, paths: ['media_name', 'record_sample_rate', 'url'] },
    { given: { format: 'ogg', record_sample_rate: 9000, media_name: 'a.wav' }, paths: ['format'] },
  ]) {
    test(`are judged beyond the schema too where the schema does not hold: ${JSON.stringify(given)}`, () => {
      const errors = new FieldErrorList();
      expect(checkRecordCallFields(given, errors, [], { coerce: true })).toBeUndefined();
      const faults = errors.toJSON();
      expect(Object.keys(faults).sort()).toEqual(paths);
      expect(Object.values(faults).every((codes) => Object.keys(codes).length === 1)).toBe(true);
    });
  }

  test('let whoever takes them judge the target, once it is one', () => {
    const judged: string[] = [];
    const errors = new FieldErrorList();
    const judgeUrl = (url: string) => {
      judged.push(url);
      throw new AppError('TARGET_FORBIDDEN', 'not this one');
    };
    checkRecordCallFields({ url: 'http://10.0.0.1/', foo: 1 }, errors, ['data'], { judgeUrl });
    checkRecordCallFields({ url: 'ftp://x' }, new FieldErrorList(), [], { judgeUrl });
    expect(judged).toEqual(['http://10.0.0.1/']);
    expect(errors.toJSON()).toMatchObject({
      'data.foo': {},
      'data.url': { error: { message: 'invalid client URL', cause: 'not this one' } },
    });
  });

  for (const value of [null, [], 'x', 5, undefined]) {
    test(`can't be ${JSON.stringify(value)}`, () => expect(refusal(value).code).toBe('FIELDS_INVALID'));
  }
});

describe('record_sample_rate', () => {
  for (const rate of MP3_RATES) {
    test(`may be ${rate} for an mp3`, () => expect(parseRecordCallFields({ record_sample_rate: rate })).toBeDefined());
  }

  for (const { name, fields, says } of [
    { name: 'a rate no mp3 has', fields: { format: 'mp3', record_sample_rate: 9000 }, says: MP3_RATES.join(', ') },
    { name: 'the same without a format', fields: { record_sample_rate: 9000 }, says: MP3_RATES.join(', ') },
    { name: 'above what an mp3 has', fields: { record_sample_rate: 96_000 }, says: MP3_RATES.join(', ') },
    {
      name: 'below what a wav may have',
      fields: { format: 'wav', record_sample_rate: 7999 },
      says: 'from 8000 to 48000',
    },
    { name: 'above it', fields: { format: 'wav', record_sample_rate: 48_001 }, says: 'from 8000 to 48000' },
  ]) {
    test(`is refused with the rates there are: ${name}`, () => {
      const error = refusal(fields);
      expect(error.code).toBe('RATE_UNSUPPORTED');
      expect(error.message).toContain(says);
      expect(Object.keys(error.details as FieldErrors)).toEqual(['record_sample_rate']);
    });
  }

  for (const { name, fields } of [
    { name: 'alone', fields: { record_sample_rate: 12_345 } },
    { name: 'beside another fault', fields: { record_sample_rate: 12_345, media_name: '.x' } },
    { name: 'below what a wav may have', fields: { format: 'wav', record_sample_rate: 1, nope: 1 } },
  ]) {
    test(`a field is named once in the message: ${name}`, () => {
      const { message } = refusal(fields);
      for (const field of Object.keys(fields)) expect(message.split(field).length - 1, message).toBeLessThanOrEqual(1);
      expect(message).toContain('record_sample_rate: ');
    });
  }

  test('of a wrong type is a fault like any other', () =>
    expect(refusal({ record_sample_rate: '8000' }).code).toBe('FIELDS_INVALID'));
});

describe('media_name', () => {
  for (const name of ['a', 'call.mp3', 'A-b_c.9', '-x', 'a..b', 'x'.repeat(200)]) {
    test(`may be ${name.slice(0, 12)}`, () =>
      expect(parseRecordCallFields({ media_name: name }).media_name).toBe(name));
  }
  for (const name of [
    '',
    '.',
    '..',
    '.hidden',
    '../x',
    'a/b',
    'a\\b',
    '/etc/passwd',
    'a b',
    'a\n',
    'a\0',
    'é',
    'x'.repeat(201),
  ]) {
    test(`may not be ${JSON.stringify(name.slice(0, 12))}`, () =>
      expect(Object.keys(refusal({ media_name: name }).details as FieldErrors)).toEqual(['media_name']));
  }
});

describe('a media_name with the other format’s extension', () => {
  for (const fields of [
    { media_name: 'x.wav', format: 'mp3' },
    { media_name: 'x.WAV', format: 'mp3' },
    { media_name: 'x.wav' },
    { media_name: 'x.wav', action: 'start' },
    { media_name: 'x.wav', action: 'toggle' },
    { media_name: 'x.mp3', format: 'wav' },
    { media_name: 'a.wav.Mp3', format: 'wav' },
  ]) {
    test(`is refused, both fields named: ${JSON.stringify(fields)}`, () => {
      const error = refusal(fields);
      const [asked, other] = 'format' in fields && fields.format === 'wav' ? ['wav', 'mp3'] : ['mp3', 'wav'];
      expect(error.code).toBe('FIELDS_INVALID');
      expect(Object.keys(error.details as FieldErrors)).toEqual(['media_name']);
      expect(error.message).toBe(
        `record_call: media_name: media_name ends in .${other}, but format is ${asked}: let both say the same`,
      );
    });
  }

  for (const fields of [
    { media_name: 'x.mp3' },
    { media_name: 'x.MP3', format: 'mp3' },
    { media_name: 'x.wav', format: 'wav' },
    { media_name: 'x.wav.mp3', format: 'mp3' },
    // Kazoo takes a name as it is and adds nothing to it.
    { media_name: 'x' },
    { media_name: 'x.9', format: 'wav' },
    { media_name: 'wav' },
    // Who stops a recording or masks it names it; what format it has was said when it began.
    { media_name: 'x.wav', action: 'stop' },
    { media_name: 'x.wav', action: 'mask' },
    { media_name: 'x.wav', action: 'unmask' },
  ]) {
    test(`and any other is taken: ${JSON.stringify(fields)}`, () =>
      expect(parseRecordCallFields(fields)).toEqual(fields));
  }
});

describe('url', () => {
  for (const url of ['http://h', 'https://h:8443/p?q=', 'HTTPS://H/', 'http://[::1]/', 'http://127.0.0.1:9/']) {
    test(`may be ${url}: addresses are judged where they are dialled`, () =>
      expect(parseRecordCallFields({ url }).url).toBe(url));
  }
  for (const url of [
    'ftp://h/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '/path',
    'h',
    'http://',
    'https://h/a b',
    ' https://h/',
    'https://h/\n',
    'http://h:99999/',
  ]) {
    test(`may not be ${JSON.stringify(url)}`, () => {
      const error = refusal({ url });
      expect(error.details).toEqual({ url: { error: { message: 'invalid client URL' } } });
      expect(error.message).toBe('record_call: url: invalid client URL');
    });
  }

  test('is never quoted: it may hold a password', () => {
    const error = refusal({ url: `ftp://user:secret@h/${'x'.repeat(5000)}`, format: 'https://user:secret@h/' });
    expect(`${error.message}${JSON.stringify(error.details)}`).not.toContain('secret');
  });
});

test('whatever comes, it is taken whole or refused with a code', () => {
  const nearly = fc.record(
    Object.fromEntries(
      Object.keys(full).map((field) => [
        field,
        fc.oneof(fc.constant(full[field as keyof typeof full]), fc.jsonValue()),
      ]),
    ),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(nearly, fc.jsonValue()), fc.boolean(), (value, coerce) => {
      try {
        expect(Object.keys(parseRecordCallFields(value, { coerce }))).toEqual(Object.keys(value as object));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        expect(['FIELDS_INVALID', 'RATE_UNSUPPORTED']).toContain(error.code);
        expect(error.message).not.toMatch(/[\r\n]/);
        expect(Object.keys(error.details as object)).not.toHaveLength(0);
      }
    }),
    { numRuns: 500 },
  );
});
