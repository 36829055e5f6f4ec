import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError, CATALOGUE, type ErrorCode } from '../../src/core/errors.ts';
import { errorAnswerOf } from '../../src/http/error-envelope.ts';

const FIELDS = { 'numbers.72.data.action': { enum: { message: 'Value not found', target: ['mask'], value: 'hush' } } };

/** kazoo-contract §8.3, row by row. */
const KAZOO: readonly (readonly [name: string, error: unknown, status: number, message: string, data: unknown])[] = [
  ['faults of fields', new AppError('FIELDS_INVALID', 'x', { details: FIELDS }), 400, 'validation error', FIELDS],
  ['faults of metaflows', new AppError('METAFLOWS_INVALID', 'x', { details: FIELDS }), 400, 'validation error', FIELDS],
  ['a rate that is off', new AppError('RATE_UNSUPPORTED', 'x', { details: FIELDS }), 400, 'validation error', FIELDS],
  ['bad data', new AppError('FIELDS_INVALID', 'no such action'), 400, 'invalid data', { message: 'no such action' }],
  ['no envelope', new AppError('ENVELOPE_INVALID', 'no data'), 400, 'invalid request envelope', { message: 'no data' }],
  ['no key', new AppError('UNAUTHENTICATED', 'x'), 401, 'invalid_credentials', { message: 'invalid credentials' }],
  ['another account', new AppError('FORBIDDEN', 'x'), 403, 'forbidden', { message: 'forbidden' }],
  ['an unknown id', new AppError('NOT_FOUND', 'x'), 404, 'bad identifier', ['the-id']],
  ['ids it names', new AppError('NOT_FOUND', 'x', { details: ['u1', 'u2'] }), 404, 'bad identifier', ['u1', 'u2']],
  [
    'an account id that is none',
    new AppError('NOT_FOUND', 'x', { details: { message: "invalid account_id 'x'" } }),
    404,
    'bad identifier',
    { message: "invalid account_id 'x'" },
  ],
  ['a wrong method', new AppError('METHOD_NOT_ALLOWED', 'x'), 405, 'invalid_method', { message: 'method not allowed' }],
  ['a conflict', new AppError('CONFLICT', 'it is running'), 409, 'datastore_conflict', { message: 'it is running' }],
  ['a call that is there', new AppError('CALL_EXISTS', 'c1 runs'), 409, 'datastore_conflict', { message: 'c1 runs' }],
  ['a body too large', new AppError('BODY_TOO_LARGE', 'too large'), 413, 'request_too_large', { message: 'too large' }],
  ['a wide range', new AppError('RANGE_TOO_LARGE', 'too long'), 416, 'range not satisfiable', { message: 'too long' }],
  ['too many tries', new AppError('RATE_LIMITED', 'wait'), 429, 'too_many_requests', { message: 'wait' }],
  ['no code of Kazoo', new AppError('CALLS_FULL', '200 calls'), 503, 'calls_full', { message: '200 calls' }],
];

describe('the answer to a failure', () => {
  for (const [name, error, status, message, data] of KAZOO) {
    test(`in Kazoo's words: ${name}`, () => {
      expect(errorAnswerOf(error, 'the-id')).toMatchObject({ status, message, data });
    });
  }

  test('names nothing where the path names nothing', () => {
    expect(errorAnswerOf(new AppError('NOT_FOUND', 'x'), undefined).data).toEqual({ message: 'bad identifier' });
  });

  const secrets: readonly (readonly [string, unknown])[] = [
    ['a defect', new TypeError("can't read /secret/path of undefined")],
    ['a broken machine', new AppError('OUTPUT_UNWRITABLE', '/secret/path: EACCES')],
    ['a store that failed', new AppError('STORE_FAILED', '/secret/path is locked')],
    [
      'an error with details of its own',
      new AppError('INTERNAL', 'x', { details: { path: { x: { message: '/secret' } } } }),
    ],
    ['a thrown string', '/secret/path'],
    ['a library that says 500', Object.assign(new Error('/secret/path'), { statusCode: 500 })],
    ['a library that says nonsense', Object.assign(new Error('/secret/path'), { statusCode: 'teapot' })],
  ];
  for (const [name, error] of secrets) {
    test(`tells nothing of the inside: ${name}`, () => {
      const answer = errorAnswerOf(error, undefined);
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(JSON.stringify(answer)).not.toContain('/secret');
    });
  }

  test('keeps what a library says of the request', () => {
    const refused = Object.assign(new Error('Unsupported Media Type'), { statusCode: 415, code: 'FST_ERR' });
    expect(errorAnswerOf(refused, undefined)).toMatchObject({ status: 415, message: 'unsupported media type' });
    const large = Object.assign(new Error('too large'), { statusCode: 413 });
    expect(errorAnswerOf(large, undefined)).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  test('says when to come back, where that makes sense', () => {
    const limited = new AppError('RATE_LIMITED', 'x', { details: { retryAfterSeconds: 41.2 } });
    expect(errorAnswerOf(limited, undefined).retryAfter).toBe(42);
    expect(errorAnswerOf(new AppError('PORTS_USED_UP', 'x'), undefined).retryAfter).toBe(1);
    expect(errorAnswerOf(new AppError('CONFLICT', 'x'), undefined).retryAfter).toBeUndefined();
  });

  test('has a status and a word for every code and any details', () => {
    const codes = Object.keys(CATALOGUE) as ErrorCode[];
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.string(), fc.anything(), (code, text, details) => {
        const answer = errorAnswerOf(new AppError(code, text, { details }), undefined);
        expect(answer.status).toBe(CATALOGUE[code].status);
        expect(answer.message).not.toBe('');
        expect(answer.data).toBeTypeOf('object');
      }),
    );
  });
});
