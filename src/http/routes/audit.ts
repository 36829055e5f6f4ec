/** `…/audit`: what was done to an account and its calls, by whom, a page at a time. */
import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../api-services.ts';
import { AuditEntrySchema, AuditQuerySchema } from '../audit-schemas.ts';
import { sendData } from '../envelope.ts';
import { answerSchema } from '../envelope-schema.ts';
import { pathSchema } from '../path-ids.ts';
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, QueryReader } from '../recording-query.ts';
import { PageSchema } from '../recording-schemas.ts';

type AuditPath = { Params: { accountId: string }; Querystring: Record<string, unknown> };

export const registerAuditRoutes = (app: FastifyInstance, { audit }: ApiServices): void => {
  app.get<AuditPath>(
    '/v2/accounts/:accountId/audit',
    {
      schema: {
        tags: ['audit'],
        summary: 'Who did what, newest first',
        description:
          'Every change through the API, and what codes, the API and policies have done to calls, for 400 days. Requests without a valid key are counted, not listed one by one.',
        params: pathSchema(),
        querystring: AuditQuerySchema,
        response: { 200: answerSchema('A page.', { type: 'array', items: AuditEntrySchema }, PageSchema) },
      },
    },
    async (request, reply) => {
      const query = new QueryReader(request.query);
      const pageSize = query.integer('page_size', 1, LARGEST_PAGE_SIZE) ?? DEFAULT_PAGE_SIZE;
      const startKey = query.text('start_key');
      query.throwFaults();
      const { entries, ...keys } = await audit.page(request.params.accountId, { pageSize, startKey });
      const extra = { page_size: entries.length, start_key: keys.startKey, next_start_key: keys.nextStartKey };
      return sendData(reply, entries, { extra });
    },
  );
};
