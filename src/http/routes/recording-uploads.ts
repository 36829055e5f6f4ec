/** `PUT …/recordings`: a capture or audio file to replay, and the job that does it (design §6.3). Takes multipart here and nowhere else. */
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { ApiServices } from '../api-services.ts';
import { noteDone } from '../audit-notes.ts';
import { receiveCapture } from '../capture-upload.ts';
import { sendData } from '../envelope.ts';
import { answerSchema } from '../envelope-schema.ts';
import { idIn, OWN_ID, pathSchema } from '../path-ids.ts';
import { JobSchema, UploadSchema } from '../recording-schemas.ts';
import type { JobDocument } from '../service.ts';

type AccountPath = { Params: { accountId: string } };
type JobPath = { Params: { accountId: string; jobId: string } };

const RETRY_SECONDS = 10;

export const registerRecordingUploadRoutes = (app: FastifyInstance, services: ApiServices): void => {
  const { recordings, audit, limits } = services;
  const all = '/v2/accounts/:accountId/recordings';
  const tags = ['recordings'];
  /** Uploads that are coming in, by account. */
  const running = new Map<string, number>();

  app.register(async (scope) => {
    await scope.register(multipart, { throwFileSizeLimit: false });
    scope.put<AccountPath>(
      all,
      {
        schema: {
          tags,
          summary: 'Replay a capture or an audio file, as a job',
          consumes: ['multipart/form-data'],
          params: pathSchema(),
          body: UploadSchema,
          response: { 202: answerSchema('The job.', JobSchema) },
        },
      },
      async (request, reply) => {
        const { accountId } = request.params;
        const before = running.get(accountId) ?? 0;
        if (before >= limits.uploads) {
          const details = { retryAfterSeconds: RETRY_SECONDS };
          throw new AppError('RATE_LIMITED', 'too many uploads at once', { details });
        }
        running.set(accountId, before + 1);
        try {
          const job = await replayOf(request, services);
          noteDone(audit, request, 'replay.begin', `job/${job.id}`);
          return sendData(reply, job, { status: 202 });
        } finally {
          const left = running.get(accountId)! - 1;
          if (left > 0) running.set(accountId, left);
          else running.delete(accountId);
        }
      },
    );
  });

  app.get<JobPath>(
    `${all}/jobs/:jobId`,
    {
      schema: {
        tags,
        summary: 'How far a replay is',
        params: pathSchema({ jobId: OWN_ID }),
        response: { 200: answerSchema('The job.', JobSchema) },
      },
    },
    async (request, reply) =>
      sendData(reply, recordings.job(request.params.accountId, idIn(request.params.jobId, OWN_ID))),
  );
};

/** The file is the job's once there is one, and gone when there is none. */
const replayOf = async (
  request: FastifyRequest<AccountPath>,
  { recordings, allowTargets, clock, limits }: ApiServices,
): Promise<JobDocument> => {
  const { accountId } = request.params;
  const { place, name, fields } = await receiveCapture(request, {
    newPlace: () => recordings.newUpload(accountId),
    drop: (given) => recordings.dropUpload(accountId, given),
    limitBytes: limits.uploadBytes,
    allow: allowTargets,
    clock,
  });
  try {
    return await recordings.replay(accountId, { ...place, name, fields });
  } catch (error) {
    await recordings.dropUpload(accountId, place);
    throw error;
  }
};
