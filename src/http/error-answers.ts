/** Sends every failure as Kazoo's error envelope: what routes throw, what fastify refuses, and paths that aren't there. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, asAppError } from '../core/errors.ts';
import { frameOf } from './envelope.ts';
import { type ErrorAnswer, errorAnswerOf, UNKNOWN_PATH } from './error-envelope.ts';
import { isMethod } from './route-table.ts';

export const answerErrors = (app: FastifyInstance): void => {
  app.decorateRequest('refusal', undefined);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(async (request, reply) => {
    if (isMethod(request.method) || request.method === 'HEAD') return sendError(reply, UNKNOWN_PATH);
    return answerError(new AppError('METHOD_NOT_ALLOWED', `${request.method} is not known here`), request, reply);
  });
};

/** Also for fastify's `frameworkErrors`: what goes wrong before there is a route. */
export const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const answer = errorAnswerOf(error, Object.values(request.params ?? {}).at(-1), request.routeOptions?.bodyLimit);
  if (answer.status === 500) request.log.error({ err: error as FastifyError }, 'request failed');
  // Known, and no defect; a full service would otherwise fill its log with stacks.
  else if (answer.status > 500)
    request.log.warn({ code: answer.code, reason: asAppError(error).message }, 'request failed');
  return sendError(reply, answer);
};

const sendError = (reply: FastifyReply, { status, message, data, retryAfter, code }: ErrorAnswer): FastifyReply => {
  const { request } = reply;
  request.refusal = code;
  if (retryAfter !== undefined) reply.header('Retry-After', retryAfter);
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer');
  // A route may have named another type before it failed.
  reply.code(status).type('application/json; charset=utf-8');
  return reply.send({ data, error: String(status), message, status: 'error', ...frameOf(request) });
};
