/** `…/recordings`: list, document, audio, manifest, peaks, deletion, delivery (kazoo-contract §7, design §6.3). */
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../core/errors.ts';
import { gregorianSeconds } from '../../core/ids.ts';
import type { ApiServices } from '../api-services.ts';
import { sendArtefact } from '../artefact-answer.ts';
import { wantedBy } from '../audio-accept.ts';
import { noteDone } from '../audit-notes.ts';
import { envelopeOf, revisionOf, sendData } from '../envelope.ts';
import { answerSchema } from '../envelope-schema.ts';
import { actionSchema, namedAction } from '../named-action.ts';
import { idIn, PERSON_ID, pathSchema, RECORDING_ID } from '../path-ids.ts';
import { LARGEST_LIST, QueryReader, recordingQueryOf } from '../recording-query.ts';
import {
  ListQuerySchema,
  PageSchema,
  RecordingSchema,
  RepresentationQuerySchema,
  RepresentationSchema,
} from '../recording-schemas.ts';
import type { ArtefactFile, RecordingsService } from '../service.ts';
import { registerRecordingUploadRoutes } from './recording-uploads.ts';

const ACTIONS = ['deliver'] as const;
const DEFAULT_POINTS = 1000;
const MOST_POINTS = 20_000;

type ListPath = { Params: { accountId: string; userId?: string }; Querystring: Record<string, unknown> };
type RecordingPath = { Params: { accountId: string; recordingId: string }; Querystring: Record<string, unknown> };

export const registerRecordingRoutes = (app: FastifyInstance, services: ApiServices): void => {
  const { recordings, directory, audit, clock } = services;
  const account = '/v2/accounts/:accountId';
  const one = `${account}/recordings/:recordingId`;
  const tags = ['recordings'];
  const params = pathSchema({ recordingId: RECORDING_ID });
  const oneAnswer = { 200: answerSchema('The recording.', RecordingSchema) };

  for (const [url, whose] of [
    [`${account}/recordings`, 'The recordings of an account'],
    [`${account}/users/:userId/recordings`, 'The recordings of a user'],
  ] as const) {
    app.get<ListPath>(
      url,
      {
        schema: {
          tags,
          summary: `${whose}, newest first`,
          params: pathSchema(url.includes(':userId') ? { userId: PERSON_ID } : {}),
          querystring: ListQuerySchema,
          response: { 200: answerSchema('A page.', { type: 'array', items: RecordingSchema }, PageSchema) },
        },
      },
      async (request, reply) => {
        const { accountId, userId } = request.params;
        if (userId !== undefined) await directory.person(accountId, 'user', idIn(userId, PERSON_ID));
        const query = recordingQueryOf(request.query, gregorianSeconds(clock.now()), userId);
        const page = await recordings.list(accountId, query);
        if (query.paginated) return sendData(reply, page.recordings, { extra: pageOf(page) });
        if (page.nextStartKey === undefined) return sendData(reply, page.recordings);
        throw new AppError('RANGE_TOO_LARGE', `more than ${LARGEST_LIST} recordings: narrow the window, or take pages`);
      },
    );
  }

  app.route<RecordingPath>({
    // HEAD by name: the one that is made from a GET would read the whole file to throw it away.
    method: ['GET', 'HEAD'],
    url: one,
    schema: {
      tags,
      summary: 'The document or, by Accept, the audio of a recording',
      params,
      querystring: RepresentationQuerySchema,
      response: RepresentationSchema,
    },
    handler: async (request, reply) => {
      const { accountId } = request.params;
      const id = recordingIdOf(request);
      reply.header('Vary', 'Accept');
      const document = await recordings.get(accountId, id);
      const query = new QueryReader(request.query);
      if (wantedBy(request.headers.accept, query.text('accept')) === 'document') {
        return sendData(reply, document, { revision: revisionOf(document) });
      }
      const inline = query.boolean('inline') ?? false;
      query.throwFaults();
      const artefact = await artefactOf(recordings, accountId, id);
      const stallMs = services.limits.readerStallMs;
      await sendArtefact(reply, artefact, inline ? 'inline' : 'attachment', { clock, stallMs });
      // Not its head alone, nor what the client has already.
      if (request.method !== 'HEAD' && reply.statusCode < 300) {
        const range = reply.getHeader('content-range');
        noteDone(audit, request, 'recording.fetch', `recording/${id}`, range === undefined ? {} : { range });
      }
      return reply;
    },
  });

  app.delete<RecordingPath>(
    one,
    { schema: { tags, summary: 'Delete audio, manifest and document', params, response: oneAnswer } },
    async (request, reply) => {
      const id = recordingIdOf(request);
      const removed = await recordings.remove(request.params.accountId, id);
      noteDone(audit, request, 'recording.remove', `recording/${id}`);
      return sendData(reply, removed);
    },
  );

  app.post<RecordingPath>(
    one,
    {
      schema: {
        tags,
        summary: 'Deliver to the target again, now',
        params,
        body: actionSchema(ACTIONS),
        response: oneAnswer,
      },
    },
    async (request, reply) => {
      const id = recordingIdOf(request);
      namedAction(envelopeOf(request).data, ACTIONS);
      const document = await recordings.deliver(request.params.accountId, id);
      noteDone(audit, request, 'recording.deliver', `recording/${id}`);
      return sendData(reply, document);
    },
  );

  app.get<RecordingPath>(
    `${one}/manifest`,
    {
      schema: {
        tags,
        summary: 'What was masked, and what proves it',
        params,
        response: { 200: answerSchema('The manifest.', { type: 'object', additionalProperties: true }) },
      },
    },
    async (request, reply) =>
      sendData(reply, await recordings.manifest(request.params.accountId, recordingIdOf(request))),
  );

  app.get<RecordingPath>(
    `${one}/peaks`,
    {
      schema: {
        tags,
        summary: 'A waveform to draw',
        params,
        querystring: {
          type: 'object',
          properties: {
            points: { type: 'integer', minimum: 1, maximum: MOST_POINTS, default: DEFAULT_POINTS },
          },
        },
        response: { 200: answerSchema('The peaks.', { type: 'object', additionalProperties: true }) },
      },
    },
    async (request, reply) => {
      const id = recordingIdOf(request);
      const query = new QueryReader(request.query);
      const points = query.integer('points', 1, MOST_POINTS) ?? DEFAULT_POINTS;
      query.throwFaults();
      return sendData(reply, await recordings.peaks(request.params.accountId, id, points));
    },
  );

  registerRecordingUploadRoutes(app, services);
};

const recordingIdOf = ({ params }: { params: RecordingPath['Params'] }): string =>
  idIn(params.recordingId, RECORDING_ID);

const pageOf = ({ recordings, startKey, nextStartKey }: Awaited<ReturnType<RecordingsService['list']>>) => ({
  page_size: recordings.length,
  start_key: startKey,
  next_start_key: nextStartKey,
});

/** The recording is known, so what isn't found is its audio. */
const artefactOf = async (recordings: RecordingsService, accountId: string, id: string): Promise<ArtefactFile> => {
  try {
    return await recordings.artefact(accountId, id);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
    throw new AppError('AUDIO_MISSING', `recording ${id} has no audio`, { cause: error });
  }
};
