/** `…/streams`: those that run, whose one will be, samples as a body (design §6.3, §6.7). WebSockets are opened by `stream-sockets.ts`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { StreamFarewell, StreamRequest } from '../../ingest/streams/stream-dialect.ts';
import { STREAM_KINDS } from '../../ingest/streams/stream-kinds.ts';
import { type ApiServices, principalOf } from '../api-services.ts';
import { noteDone } from '../audit-notes.ts';
import { envelopeOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { pathSchema } from '../path-ids.ts';
import { StreamTicketSchema, streamTicketOf } from '../stream-input.ts';
import { StreamSchema, StreamSummarySchema, StreamTicketAnswerSchema } from '../stream-schemas.ts';
import type { StreamConnection, StreamPeer, StreamSummary, StreamsService } from '../stream-service.ts';

type AccountPath = { Params: { accountId: string } };
type KindPath = { Params: { accountId: string; kind: string } };

const KIND = '^[a-z0-9]+(-[a-z0-9]+)*$';
/** To read the answer in. */
const CUT_OFF_MS = 1000;
const EXAMPLE = { data: { call_id: 'c1', leg: 'a' } };

export const registerStreamRoutes = (app: FastifyInstance, { streams, audit, allowTargets }: ApiServices): void => {
  if (streams === undefined) return;
  const all = '/v2/accounts/:accountId/streams';
  const tags = ['streams'];

  app.get<AccountPath>(
    all,
    {
      schema: {
        tags,
        summary: 'The streams of media servers that run',
        params: pathSchema(),
        response: { 200: answerSchema('The streams.', { type: 'array', items: StreamSchema }) },
      },
    },
    async (request, reply) => sendData(reply, await streams.list(request.params.accountId)),
  );

  app.put<KindPath>(
    `${all}/:kind`,
    {
      schema: {
        tags,
        summary: 'Say whose stream a connection is that will name this UUID',
        description:
          'Whoever knows the UUID may bring that leg of that call, and needs no key. A call of that id that does not run yet is announced by this.',
        params: pathSchema({ kind: KIND }),
        body: envelopeSchema(StreamTicketSchema, {}, EXAMPLE),
        response: { 201: answerSchema('Where to connect.', StreamTicketAnswerSchema) },
      },
    },
    async (request, reply) => {
      const ticket = streamTicketOf(envelopeOf(request).data, allowTargets);
      const { kind } = request.params;
      const announced = await streams.announce(principalOf(request), kind, ticket);
      noteDone(audit, request, 'stream.announce', `call/${announced.call_id}`, { kind, leg: announced.leg });
      return sendData(reply, announced, { status: 201 });
    },
  );

  app.register(async (scope) => {
    // Whatever the body is called: its samples are taken as they come.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.post<AccountPath>(
      `${all}/pcm`,
      {
        schema: {
          tags,
          summary: 'Samples as a body, chunked, for as long as the call lasts',
          description:
            'The answer comes when the body has ended. Beside what it is, the query says whose it is: `call_id`, `leg`, `from`, `to`, `record_call`, `record_call.<field>`.',
          consumes: ['application/octet-stream', 'audio/l16', 'audio/basic'],
          params: pathSchema(),
          querystring: {
            type: 'object',
            properties: {
              rate: { type: 'integer', minimum: 8000, maximum: 192_000, default: 8000 },
              channels: { type: 'integer', enum: [1, 2], default: 1 },
              encoding: { type: 'string', enum: ['s16le', 's16be', 'pcmu', 'pcma'], default: 's16le' },
              call_id: { type: 'string' },
              leg: { type: 'string', enum: ['a', 'b'] },
            },
          },
          response: { 201: answerSchema('What was taken.', StreamSummarySchema) },
        },
      },
      async (request, reply) => {
        reply.raw.once('finish', () => cutOff(request.raw));
        return sendData(reply, await take(streams, request), { status: 201 });
      },
    );
  });
};

/** A sender that has its answer and goes on sending. */
const cutOff = (raw: FastifyRequest['raw']): void => {
  if (!raw.complete) setTimeout(() => raw.destroy(), CUT_OFF_MS).unref();
};

/** @throws AppError why it was refused or broken off */
const take = (streams: StreamsService, request: FastifyRequest): Promise<StreamSummary> => {
  const kind = STREAM_KINDS.get('pcm');
  if (kind === undefined) throw new AppError('NOT_FOUND', 'no such kind of stream');
  const { raw } = request;
  const connection = streams.open(
    {
      kind,
      request: { headers: singleHeaders(request), query: request.query as StreamRequest['query'] },
      accountId: (request.params as { accountId: string }).accountId,
      principal: principalOf(request),
      remote: request.ip,
    },
    new BodyPeer(request),
  );
  listen(raw, connection);
  return connection.over;
};

const listen = (raw: FastifyRequest['raw'], connection: StreamConnection): void => {
  raw.on('data', (chunk: Buffer) => connection.bytes(chunk));
  raw.on('end', () => connection.closed(true));
  raw.on('error', () => connection.closed(false));
  raw.on('close', () => connection.closed(raw.complete));
};

/** A body can't be answered before it has ended, but its connection can be closed with the answer. */
class BodyPeer implements StreamPeer {
  readonly #raw: FastifyRequest['raw'];

  constructor({ raw }: FastifyRequest) {
    this.#raw = raw;
  }

  send(): void {}

  known(): void {}

  pause(): void {
    this.#raw.pause();
  }

  resume(): void {
    this.#raw.resume();
  }

  close(_farewell: StreamFarewell): void {
    // What still comes is thrown away, while the answer goes out.
    this.#raw.removeAllListeners('data');
    this.#raw.on('data', (chunk: Buffer) => chunk.fill(0));
    this.#raw.resume();
  }
}

const singleHeaders = ({ headers }: FastifyRequest): StreamRequest['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
