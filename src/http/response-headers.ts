/** Header fields of every answer: nothing is stored on the way, guessed at, framed or run; `/docs` says otherwise where it must. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const FIELDS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

export const setFields = (request: FastifyRequest, reply: FastifyReply): void => {
  reply.headers(FIELDS).header('X-Request-ID', request.id);
};

export const setHeaderFields = (app: FastifyInstance): void => {
  app.addHook('onRequest', async (request, reply) => setFields(request, reply));
  app.addHook('onSend', async (request, reply) => {
    // Kazoo's clients pick their token up here as well.
    if (request.authToken !== undefined) reply.header('X-Auth-Token', request.authToken);
    // What is left of a body that nobody wants would keep the connection busy for as long as its sender likes.
    if (bringsBody(request) && !request.raw.complete) reply.header('Connection', 'close');
  });
};

const bringsBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
