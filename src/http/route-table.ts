/** Which methods each path has: for `Allow`, for 405 instead of 404, and to find the route that a tunnelled verb means. */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '../core/errors.ts';
import { STRANGERS_BODY_BYTES } from './api-limits.ts';

/** Those that Kazoo's clients use; others are unknown to every path. */
export const METHODS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;

export type Method = (typeof METHODS)[number];

export const isMethod = (word: string): word is Method => (METHODS as readonly string[]).includes(word);

export class RouteTable {
  readonly #byPath = new Map<string, Map<Method, RouteOptions>>();

  /** Notes every route that is registered on `app` from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', (route) => {
      const methods = this.#byPath.get(route.url) ?? new Map<Method, RouteOptions>();
      for (const method of [route.method].flat()) if (isMethod(method)) methods.set(method, route);
      this.#byPath.set(route.url, methods);
    });
  }

  /** @param path as it was registered, with its parameters' names. */
  find(path: string | undefined, method: Method): RouteOptions | undefined {
    return path === undefined ? undefined : this.#byPath.get(path)?.get(method);
  }

  /** Gives every path seen so far an answer to the methods it doesn't have. Call it last. */
  refuseTheRest(app: FastifyInstance): void {
    for (const [url, methods] of [...this.#byPath]) {
      const rest = METHODS.filter((method) => !methods.has(method));
      if (rest.length === 0) continue;
      const allow = [...methods.keys(), ...(methods.has('GET') ? ['HEAD'] : [])].join(', ');
      const refuse = async ({ method }: FastifyRequest, reply: FastifyReply): Promise<void> => {
        reply.header('Allow', allow);
        throw new AppError('METHOD_NOT_ALLOWED', `${method} is not for this path`);
      };
      app.route({
        method: rest,
        url,
        config: { open: true },
        bodyLimit: STRANGERS_BODY_BYTES,
        schema: { hide: true },
        exposeHeadRoute: false,
        // A POST may bring another verb in its body; all others are refused whatever they bring.
        onRequest: async (request, reply) => (request.method === 'POST' ? undefined : refuse(request, reply)),
        handler: refuse,
      });
    }
  }
}
