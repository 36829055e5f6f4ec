/**
 * Kazoo's envelope (kazoo-contract §8.1, §8.2): what a body is wrapped in, coming and going. Never repeats an API key: the
 * `auth_token` of an answer is a token that expires.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { renderFieldErrors } from '../core/field-errors.ts';
import type { CheckOptions, Validator } from '../core/validation.ts';

/** Who answers, and when. */
export type ApiIdentity = {
  /** Tells this process from others, and says nothing else of the machine. */
  readonly node: string;
  /** Of the program. */
  readonly version: string;
  /** Microseconds since the Unix epoch. */
  readonly now: () => number;
};

declare module 'fastify' {
  interface FastifyInstance {
    apiIdentity: ApiIdentity;
  }
  interface FastifyRequest {
    /** The expiring token that this request came with, or has just been given. */
    authToken: string | undefined;
  }
}

export type SendOptions = {
  /** 200 unless said; 201 for what was created. */
  readonly status?: number;
  /** The document's, as `revisionOf` makes it: becomes the ETag, and a GET that already has it is answered 304. */
  readonly revision?: string;
  /** Fields beside `data`: `page_size`, `next_start_key`, `result`. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

/** What every answer has, good or bad; what is undefined is left out of the JSON. */
export const frameOf = (request: FastifyRequest): Readonly<Record<string, unknown>> => {
  const { node, version, now } = request.server.apiIdentity;
  return {
    request_id: request.id,
    node,
    timestamp: new Date(now() / 1000).toISOString().slice(0, 19),
    // Kazoo tells it only to those it knows.
    version: request.principal === undefined ? undefined : version,
    auth_token: request.authToken,
  };
};

/** Answers `data` in the envelope of success. */
export const sendData = (reply: FastifyReply, data: unknown, options: SendOptions = {}): FastifyReply => {
  const { status = 200, revision, extra = {} } = options;
  const { request } = reply;
  if (revision !== undefined) {
    reply.header('ETag', `"${revision}"`);
    if (isGet(request) && matches(request.headers['if-none-match'], revision)) return reply.code(304).send();
  }
  return reply.code(status).send({ ...extra, data, revision, status: 'success', ...frameOf(request) });
};

/** A document's revision: the same for the same content. */
export const revisionOf = (document: unknown): string =>
  createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 32);

/** The whole body, an object with `data` in it. @throws ENVELOPE_INVALID */
export const envelopeOf = (request: FastifyRequest): Readonly<Record<string, unknown>> => {
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('ENVELOPE_INVALID', 'the body has to be a JSON object with data in it');
  }
  const { data } = body as { data?: unknown };
  if (typeof data !== 'object' || data === null) {
    throw new AppError('ENVELOPE_INVALID', 'the body has to have an object or array as data');
  }
  return body as Readonly<Record<string, unknown>>;
};

/**
 * The body's `data`, judged.
 * @throws ENVELOPE_INVALID; FIELDS_INVALID with every fault by its path, which begins inside `data`
 */
export const dataOf = <T>(request: FastifyRequest, validator: Validator<T>, options: CheckOptions = {}): T => {
  const checked = validator.validate(envelopeOf(request).data, options);
  if (checked.ok) return checked.value;
  throw new AppError('FIELDS_INVALID', renderFieldErrors(checked.errors), { details: checked.errors });
};

const isGet = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

const matches = (condition: string | undefined, revision: string): boolean =>
  (condition ?? '').split(',').some((tag) => ['*', `"${revision}"`].includes(tag.trim().replace(/^W\//, '')));
