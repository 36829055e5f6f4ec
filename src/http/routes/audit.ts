/** `…/audit`: what was done to an account and its calls, by whom: a page at a time, or all of it as a chain that can be checked. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiServices } from '../api-services.ts';
import { contentDisposition } from '../audio-accept.ts';
import { AuditAnswerSchema, AuditEntrySchema, AuditQuerySchema } from '../audit-schemas.ts';
import { sendData } from '../envelope.ts';
import { pathSchema } from '../path-ids.ts';
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, QueryReader } from '../recording-query.ts';

type AuditPath = { Params: { accountId: string }; Querystring: Record<string, unknown> };

const LINES = 'application/x-ndjson';

export const registerAuditRoutes = (app: FastifyInstance, { audit }: ApiServices): void => {
  app.addSchema(AuditEntrySchema);
  app.get<AuditPath>(
    '/v2/accounts/:accountId/audit',
    {
      schema: {
        tags: ['audit'],
        summary: 'Who did what: a page of it, newest first, or the whole chain',
        description: `Every change through the API, and what codes, the API and policies have done to calls, for 400 days. Requests without a valid key are counted, not listed one by one.

Each entry has the hash of the one before, so that one that is removed or changed shows. \`format=jsonl\` gives the whole chain as lines of JSON, oldest first: its signed head, then entries whose \`hash\` is the SHA-256 of the rest of them in canonical form (RFC 8785). Keep it with the recordings: \`record-call verify ARTEFACT --audit FILE\` holds both against each other.`,
        params: pathSchema(),
        querystring: AuditQuerySchema,
        response: { 200: AuditAnswerSchema },
      },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const query = new QueryReader(request.query);
      const isChain = wantsChain(request, query);
      const pageSize = query.integer('page_size', 1, LARGEST_PAGE_SIZE);
      const startKey = query.text('start_key');
      if (isChain && pageSize !== undefined) query.refuse('page_size', 'the chain has no pages');
      if (isChain && startKey !== undefined) query.refuse('start_key', 'the chain has no pages');
      query.throwFaults();
      if (isChain) {
        reply.type(LINES).header('Content-Disposition', contentDisposition(`audit-${accountId}.jsonl`, 'attachment'));
        // The head alone would read all of it to throw it away.
        return reply.send(Readable.from(request.method === 'HEAD' ? [] : await audit.export(accountId)));
      }
      const { entries, ...keys } = await audit.page(accountId, { pageSize: pageSize ?? DEFAULT_PAGE_SIZE, startKey });
      const extra = { page_size: entries.length, start_key: keys.startKey, next_start_key: keys.nextStartKey };
      return sendData(reply, entries, { extra });
    },
  );
};

/** By `format`; without, by the Accept field or what stands for it in the query. */
const wantsChain = ({ headers }: FastifyRequest, query: QueryReader): boolean => {
  const format = query.text('format');
  if (format !== undefined && format !== 'json' && format !== 'jsonl') query.refuse('format', 'takes json or jsonl');
  if (format !== undefined) return format === 'jsonl';
  const accepted = (query.text('accept') ?? headers.accept ?? '').toLowerCase();
  return accepted.split(',').some((type) => type.split(';', 1)[0]!.trim() === LINES);
};
