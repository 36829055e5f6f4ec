/** `…/webhooks`: events that wait for the account's `webhook_url` or did not arrive there; sent again, dropped. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiServices } from '../api-services.ts';
import { noteDone } from '../audit-notes.ts';
import { envelopeOf, sendData } from '../envelope.ts';
import { answerSchema } from '../envelope-schema.ts';
import { WEBHOOK_EVENTS } from '../event-catalogue.ts';
import { actionSchema, namedAction } from '../named-action.ts';
import { idIn, OWN_ID, pathSchema } from '../path-ids.ts';
import { DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, QueryReader } from '../recording-query.ts';
import { WebhookPageSchema, WebhookQuerySchema, WebhookSchema } from '../webhook-schemas.ts';

type WebhooksPath = { Params: { accountId: string }; Querystring: Record<string, unknown> };
type WebhookPath = { Params: { accountId: string; eventId: string } };

const ACTIONS = ['deliver'] as const;

const ABOUT = `Events of the types ${WEBHOOK_EVENTS.map((type) => `\`${type}\``).join(', ')} are POSTed to the account's \`webhook_url\`, as JSON like those of \`…/events\`, in order as far as retries allow, until it answers 2xx or 72 hours are over. The same event may come twice: \`Idempotency-Key\` tells, which is the account's id and the event's; \`X-Record-Call-Account\` is the account's. \`X-Record-Call-Signature\` is \`v1=\` and the HMAC-SHA256, in hex, of \`X-Record-Call-Timestamp\` (seconds), a dot and the body, by \`webhook_secret\`. Listed here are those that wait and, for 30 days, those that failed.`;

export const registerWebhookRoutes = (app: FastifyInstance, { webhooks, audit }: ApiServices): void => {
  const all = '/v2/accounts/:accountId/webhooks';
  const one = `${all}/:eventId`;
  const tags = ['events'];
  const params = pathSchema({ eventId: OWN_ID });
  const response = { 200: answerSchema('The event.', WebhookSchema) };

  app.get<WebhooksPath>(
    all,
    {
      schema: {
        tags,
        summary: 'Events that wait for the webhook or did not arrive there, oldest first',
        description: ABOUT,
        params: pathSchema(),
        querystring: WebhookQuerySchema,
        response: { 200: answerSchema('A page.', { type: 'array', items: WebhookSchema }, WebhookPageSchema) },
      },
    },
    async (request, reply) => {
      const query = new QueryReader(request.query);
      const pageSize = query.integer('page_size', 1, LARGEST_PAGE_SIZE) ?? DEFAULT_PAGE_SIZE;
      const startKey = query.text('start_key');
      query.throwFaults();
      const page = await webhooks.list(request.params.accountId, { pageSize, startKey });
      const extra = {
        page_size: page.webhooks.length,
        start_key: page.startKey,
        next_start_key: page.nextStartKey,
        dropped: page.dropped,
      };
      return sendData(reply, page.webhooks, { extra });
    },
  );

  app.post<WebhookPath>(
    one,
    {
      schema: {
        tags,
        summary: 'Send an event to the webhook again, now',
        params,
        body: actionSchema(ACTIONS),
        response,
      },
    },
    async (request, reply) => {
      const id = eventIdOf(request);
      namedAction(envelopeOf(request).data, ACTIONS);
      const document = await webhooks.deliver(request.params.accountId, id);
      noteDone(audit, request, 'webhook.deliver', `webhook/${id}`);
      return sendData(reply, document);
    },
  );

  app.delete<WebhookPath>(
    one,
    { schema: { tags, summary: 'Drop an event: it is not sent any more', params, response } },
    async (request, reply) => {
      const id = eventIdOf(request);
      const document = await webhooks.drop(request.params.accountId, id);
      noteDone(audit, request, 'webhook.drop', `webhook/${id}`);
      return sendData(reply, document);
    },
  );
};

const eventIdOf = ({ params }: Pick<FastifyRequest<WebhookPath>, 'params'>): string => idIn(params.eventId, OWN_ID);
