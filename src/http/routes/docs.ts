/** `/openapi.json`, and `/docs`, which is the same for people: one page that loads nothing. */
import type { FastifyInstance } from 'fastify';
import { type ApiDocument, docsPage } from '../docs-page.ts';

export const registerDocsRoutes = (app: FastifyInstance): void => {
  const options = { config: { open: true }, schema: { hide: true } };
  // Made at the first request: only then are all routes known.
  let description: string | undefined;
  let page: ReturnType<typeof docsPage> | undefined;

  app.get('/openapi.json', options, async (_request, reply) => {
    description ??= JSON.stringify(app.swagger());
    return reply.header('Cache-Control', 'no-cache').type('application/json; charset=utf-8').send(description);
  });

  app.get('/docs', options, async (_request, reply) => {
    page ??= docsPage(app.swagger() as unknown as ApiDocument);
    return reply
      .header('Cache-Control', 'no-cache')
      .header('Content-Security-Policy', page.policy)
      .type('text/html; charset=utf-8')
      .send(page.html);
  });
};
