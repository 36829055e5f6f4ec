/** `/`: for whoever looks what this is. Points to the description and says nothing else. */
import type { FastifyInstance } from 'fastify';

const POINTERS = { name: 'record-call', docs: '/docs', openapi: '/openapi.json' } as const;

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>record-call</title><h1>record-call</h1>
<p>Records calls. <a href="/docs">How to use the API</a>, and the same <a href="/openapi.json">for programs</a>.</p></html>
`;

export const registerRootRoute = (app: FastifyInstance): void => {
  app.get('/', { config: { open: true }, schema: { hide: true } }, async (request, reply) => {
    reply.header('Vary', 'Accept');
    if (!request.headers.accept?.includes('text/html')) return reply.send(POINTERS);
    return reply.type('text/html; charset=utf-8').send(PAGE);
  });
};
