/** `/healthz`, `/readyz`, `/metrics`: for whoever keeps the service running. Not in Kazoo's envelope; no personal data. */
import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../api-services.ts';

export const registerHealthRoutes = (app: FastifyInstance, { health }: ApiServices): void => {
  const tags = ['service'];
  const config = { open: true, quiet: true };
  const status = (word: string) => ({ status: { type: 'string', enum: [word] } });

  app.get(
    '/healthz',
    {
      config,
      schema: {
        tags,
        summary: 'Whether the process answers',
        response: { 200: { description: 'It does.', type: 'object', properties: status('ok') } },
      },
    },
    async () => ({ status: 'ok' }),
  );

  app.get(
    '/readyz',
    {
      config,
      schema: {
        tags,
        summary: 'Whether it takes calls',
        response: {
          200: { description: 'It does.', type: 'object', properties: status('ready') },
          503: {
            description: 'It does not.',
            type: 'object',
            properties: { ...status('unready'), reasons: { type: 'array', items: { type: 'string' } } },
          },
        },
      },
    },
    async (_request, reply) => {
      const reasons = health.readiness();
      if (reasons.length === 0) return { status: 'ready' };
      return reply.code(503).send({ status: 'unready', reasons });
    },
  );

  app.get(
    '/metrics',
    {
      config: { admin: true, quiet: true },
      schema: {
        tags,
        summary: "Measurements, in Prometheus' text format",
        description: 'Takes the admin key as a bearer token.',
        response: {
          200: { description: 'All measurements.', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await health.metrics();
      return reply.type(contentType).send(text);
    },
  );
};
