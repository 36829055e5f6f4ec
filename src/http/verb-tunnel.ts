/**
 * Kazoo's tunnels for clients that know only GET and POST (kazoo-contract §8.1): `?verb=PUT` in the query, `"verb":"PUT"` in a JSON
 * body; and `/v2/account/…`, which is whoever's account asks. Nothing is done that the verb's own route would not do.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '../core/errors.ts';
import { isMethod, type Method, type RouteTable } from './route-table.ts';

/** In the path where an account's id would be: the asking one's. */
export const OWN_ACCOUNT = '~own';

/** For fastify's `rewriteUrl`, which is the last that happens before a route is chosen. */
export const unwrapTunnels = (request: IncomingMessage): string => {
  const url = request.url ?? '/';
  const [path = '', query = ''] = url.split(/\?(.*)/s, 2);
  const verb = query.includes('verb=') ? methodOf(new URLSearchParams(query).get('verb')) : undefined;
  if (verb !== undefined && (request.method === 'GET' || request.method === 'POST')) request.method = verb;
  return /^\/v2\/account(?:\/|$)/.test(path) ? `/v2/accounts/${OWN_ACCOUNT}${url.slice('/v2/account'.length)}` : url;
};

/**
 * The route that a body's verb means, when it is another than the one that was chosen by the method.
 * @throws METHOD_NOT_ALLOWED for a verb that isn't one, or that the path doesn't have.
 */
export const tunnelledRoute = (request: FastifyRequest, table: RouteTable): RouteOptions | undefined => {
  const { body, method, routeOptions } = request;
  if (method !== 'POST' || typeof body !== 'object' || body === null || !Object.hasOwn(body, 'verb')) return undefined;
  const verb = methodOf((body as { verb?: unknown }).verb);
  if (verb === method) return undefined;
  const route = verb && table.find(routeOptions.url, verb);
  if (route === undefined) throw new AppError('METHOD_NOT_ALLOWED', 'the verb in the body is not for this path');
  return route;
};

const methodOf = (word: unknown): Method | undefined => {
  const verb = typeof word === 'string' ? word.toUpperCase() : '';
  return isMethod(verb) ? verb : undefined;
};
