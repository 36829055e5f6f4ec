/** `…/events`: server-sent events of an account, resumable by `Last-Event-ID` (WHATWG HTML §9.2). */
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { ApiServices } from '../api-services.ts';
import { eventTable } from '../event-catalogue.ts';
import { EventStream } from '../event-stream.ts';
import { pathSchema } from '../path-ids.ts';
import { QueryReader } from '../recording-query.ts';

type EventsPath = { Params: { accountId: string }; Querystring: Record<string, unknown> };

const RETRY_SECONDS = 10;
/** Longer ones are none of ours; cut, they are unknown, and answered so. */
const LONGEST_ID = 128;

export const registerEventRoutes = (app: FastifyInstance, { events, clock, limits }: ApiServices): void => {
  const streams = new Map<string, Set<EventStream>>();

  // An answer that never ends would keep the server from closing.
  app.addHook('preClose', async () => {
    for (const stream of [...streams.values()].flatMap((each) => [...each])) stream.end('the service is closing');
  });

  app.get<EventsPath>(
    '/v2/accounts/:accountId/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['events'],
        summary: 'What happens to calls, recordings, masks and deliveries, as it happens',
        description: `Types of events, when they come, and what is in their \`data\`; a \`?\` is not always there.\n\n${eventTable()}`,
        params: pathSchema(),
        headers: {
          type: 'object',
          properties: { 'last-event-id': { type: 'string', description: 'Go on behind this one.' } },
        },
        querystring: {
          type: 'object',
          properties: {
            last_event_id: { type: 'string', description: 'The same, for the first request of a browser.' },
          },
        },
        response: {
          200: {
            description:
              'Each with id, event and data: JSON with id, type, at, data. After an event `resync` some are lost.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
        },
      },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const query = new QueryReader(request.query);
      const asked = query.text('last_event_id');
      query.throwFaults();
      const listening = streams.get(accountId) ?? new Set<EventStream>();
      if (listening.size >= limits.listeners) {
        throw new AppError('RATE_LIMITED', `${limits.listeners} are listening already`, {
          details: { retryAfterSeconds: RETRY_SECONDS },
        });
      }
      // The field is the later word: a browser that comes back repeats the URL it first had.
      const lastId = ([request.headers['last-event-id']].flat()[0] || asked)?.slice(0, LONGEST_ID);
      const stream = new EventStream({ clock });
      const unsubscribe = events.subscribe(accountId, lastId, (event) => stream.send(event));
      streams.set(accountId, listening.add(stream));
      stream.closed.addEventListener('abort', () => {
        unsubscribe();
        listening.delete(stream);
        if (listening.size === 0 && streams.get(accountId) === listening) streams.delete(accountId);
      });
      return (
        reply
          .type('text/event-stream; charset=utf-8')
          // Proxies of the nginx kind would hold events back until they have a pageful.
          .header('X-Accel-Buffering', 'no')
          .send(stream.body)
      );
    },
  );
};
