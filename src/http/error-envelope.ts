/**
 * What a failure looks like to a client of the API: Kazoo's words and data (kazoo-contract §8.3). Pure. Never tells what went wrong
 * inside: a defect of ours is a line in the log, found by its `request_id`.
 */
import { STATUS_CODES } from 'node:http';
import { AppError, asAppError, type ErrorCode, systemCode } from '../core/errors.ts';
import type { FieldErrors } from '../core/field-errors.ts';

export type ErrorAnswer = {
  readonly status: number;
  /** Kazoo's word for it; the catalogue's code in lower case where Kazoo has none. */
  readonly message: string;
  readonly data: unknown;
  /** Seconds, when trying again makes sense. */
  readonly retryAfter: number | undefined;
  /** For the log. */
  readonly code: string;
};

/** Kazoo's word, and its sentence where that is fixed too. */
const WORDS: Partial<Record<ErrorCode, readonly [message: string, sentence?: string]>> = {
  FIELDS_INVALID: ['invalid data'],
  METAFLOWS_INVALID: ['invalid data'],
  RATE_UNSUPPORTED: ['invalid data'],
  SDP_INVALID: ['invalid data'],
  TARGET_FORBIDDEN: ['invalid data'],
  ENVELOPE_INVALID: ['invalid request envelope'],
  UNAUTHENTICATED: ['invalid_credentials', 'invalid credentials'],
  FORBIDDEN: ['forbidden', 'forbidden'],
  METHOD_NOT_ALLOWED: ['invalid_method', 'method not allowed'],
  AUDIO_MISSING: ['bad_identifier'],
  CONFLICT: ['datastore_conflict'],
  CALL_EXISTS: ['datastore_conflict'],
  BODY_TOO_LARGE: ['request_too_large'],
  RANGE_TOO_LARGE: ['range not satisfiable'],
  RATE_LIMITED: ['too_many_requests'],
  STORE_FAILED: ['datastore timeout', 'the store did not answer; try again'],
};

const VALIDATION = 'validation error';

/** The `message` that answers of this code have as a rule. */
export const wordOf = (code: ErrorCode): string => {
  if (code === 'FIELDS_INVALID') return VALIDATION;
  return code === 'NOT_FOUND' ? 'bad identifier' : (WORDS[code]?.[0] ?? code.toLowerCase());
};

export const UNKNOWN_PATH: ErrorAnswer = {
  status: 404,
  message: 'not_found',
  data: { message: 'not found' },
  retryAfter: undefined,
  code: 'NOT_FOUND',
};

/**
 * @param id what the path asks for, for a NOT_FOUND that doesn't say what it missed.
 * @param bodyLimit bytes that the route takes, for a library's refusal of a body.
 */
export const errorAnswerOf = (error: unknown, id: string | undefined, bodyLimit?: number): ErrorAnswer => {
  const known = error instanceof AppError ? error : refusedByLibrary(error, bodyLimit);
  return known instanceof AppError ? answerOf(known, id) : known;
};

const answerOf = (
  { code, message: text, details, status, retryable }: AppError,
  id: string | undefined,
): ErrorAnswer => {
  const answer = { status, code, retryAfter: retryable ? (secondsIn(details) ?? 1) : undefined };
  // What is said of a defect, or of a broken machine, may name files.
  if (status === 500) {
    return {
      ...answer,
      message: 'unexpected error',
      data: { message: 'unexpected error: the log has it by request_id' },
    };
  }
  if (isFieldErrors(details)) return { ...answer, message: VALIDATION, data: details };
  if (code === 'NOT_FOUND') return { ...answer, message: wordOf(code), data: missedBy(details, id) };
  const [message, sentence = text] = WORDS[code] ?? [code.toLowerCase()];
  return { ...answer, message, data: { message: sentence } };
};

/** Fastify and its plugins say by a 4xx `statusCode` that the request was at fault; all else thrown is a defect. */
const refusedByLibrary = (error: unknown, bodyLimit: number | undefined): AppError | ErrorAnswer => {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (!(error instanceof Error) || !(status >= 400 && status < 500)) return asAppError(error);
  if (status === 413) {
    const most = bodyLimit === undefined ? 'is taken here' : `the ${bodyLimit} bytes that are taken here`;
    return new AppError('BODY_TOO_LARGE', `the body is larger than ${most}`);
  }
  const code = systemCode(error) ?? 'REFUSED';
  const message = code === 'FST_ERR_BAD_URL' ? 'faulty request' : (STATUS_CODES[status] ?? 'refused').toLowerCase();
  return { status, message, data: { message: error.message }, retryAfter: undefined, code };
};

/** Kazoo's data of a bad identifier: what was asked for, or a sentence about it. */
const missedBy = (details: unknown, id: string | undefined): unknown => {
  if (Array.isArray(details) || (isObject(details) && typeof details.message === 'string')) return details;
  return id === undefined ? { message: 'bad identifier' } : [id];
};

const secondsIn = (details: unknown): number | undefined =>
  isObject(details) && typeof details.retryAfterSeconds === 'number' ? Math.ceil(details.retryAfterSeconds) : undefined;

const isFieldErrors = (details: unknown): details is FieldErrors => {
  const codes = isObject(details) ? Object.values(details) : [];
  const faults = codes.flatMap((each) => (isObject(each) ? Object.values(each) : [undefined]));
  return faults.length > 0 && faults.every((fault) => isObject(fault) && typeof fault.message === 'string');
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
