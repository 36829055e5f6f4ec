/**
 * An upload target to try deliveries with: takes PUT and POST at any path, lists what it got at `GET /`, and shows faults on
 * request. For tests and demonstrations: it asks nobody for a key, and listens on loopback unless told otherwise.
 */
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import multipart from '@fastify/multipart';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AppError, systemCode } from '../core/errors.ts';
import { type Fault, FaultSequence, wordOf } from './upload-target-fault.ts';
import { type Intake, type Received, UploadIntake } from './upload-target-intake.ts';
import { lastSegment, safeName } from './upload-target-name.ts';
import { listedUpload, uploadsPage } from './upload-target-page.ts';
import { UploadStore } from './upload-target-store.ts';

export type UploadTargetOptions = {
  /** 0, the default, picks a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Made when it is not there. */
  readonly directory: string;
  /** One fault per upload in turn, then none; a trailing `loop` starts over. Words as `FaultSequence` knows them. */
  readonly fail?: readonly string[];
  /** Called once per stored file; must not throw. */
  readonly onReceived?: (file: Received) => void;
  /** Called once per upload that meets a fault, when it comes; must not throw. */
  readonly onFault?: (met: FaultMet) => void;
  /** The largest body that is taken; default 8 GiB. */
  readonly limitBytes?: number;
  /** How long the fault `slow` waits; default 2000. */
  readonly slowMs?: number;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
};

export type FaultMet = {
  /** In the words of `fail`. */
  readonly fault: string;
  readonly method: string;
  /** As a file would be called; the query string may be private. */
  readonly name: string;
};

export type UploadTarget = {
  /** `http://127.0.0.1:8077`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Ends open uploads too. May be called twice. */
  close(): Promise<void>;
};

const DEFAULT_LIMIT_BYTES = 8 * 2 ** 30;
/** How many received files `GET /` lists: the newest. */
const MAX_LISTED = 1000;

/** Reads what is left of a body and forgets it, so that the sender is not stuck and comes to read our answer. */
const discardRest = (request: FastifyRequest): void => {
  request.raw.unpipe();
  request.raw.resume();
};

const nameIn = ({ originalUrl }: FastifyRequest): string => safeName(lastSegment(originalUrl), '');

const answer = (reply: FastifyReply, intake: Intake): FastifyReply => {
  if (intake.kind === 'refused') return reply.code(intake.status).send({ error: intake.why });
  const files = intake.files.map(({ name, bytes, sha256 }) => ({ stored: name, bytes, sha256 }));
  return reply.code(intake.kind === 'stored' ? 201 : 200).send(files.length === 1 ? files[0] : { ...files[0], files });
};

/** Does what a fault says before anything is taken. @returns whether the upload is over. */
const showFault = async (
  fault: Fault | undefined,
  exchange: { request: FastifyRequest; reply: FastifyReply; slowMs: number; closing: AbortSignal },
): Promise<boolean> => {
  const { request, reply, slowMs, closing } = exchange;
  switch (fault?.kind) {
    case undefined:
    case 'lost':
      return false;
    case 'slow':
      await delay(slowMs, undefined, { signal: closing });
      return false;
    case 'status': {
      discardRest(request);
      // A sender that goes away meanwhile needs no answer.
      await finished(request.raw, { writable: false }).catch(() => {});
      if (fault.status === 429) reply.header('Retry-After', '1');
      reply.code(fault.status).send({ error: 'a fault, as asked for' });
      return true;
    }
    case 'hang':
      reply.hijack();
      request.raw.resume();
      return true;
    case 'reset':
      reply.hijack();
      request.raw.once('data', () => request.raw.socket.resetAndDestroy());
      request.raw.once('end', () => request.raw.socket.resetAndDestroy());
      return true;
    case 'early':
      reply.hijack();
      reply.raw.writeHead(200, { Connection: 'close', 'Content-Length': 0 }).end();
      return true;
    default:
      return fault satisfies never;
  }
};

const statusOf = (error: Error): number => {
  if (systemCode(error) === 'ENOSPC') return 507;
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  // The form's parser throws plain errors; the disk's have the system's code.
  return 'syscall' in error ? 500 : 400;
};

const listen = async (app: FastifyInstance, host: string, port: number): Promise<number> => {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EADDRINUSE') {
      throw new AppError('PORT_TAKEN', `port ${port} on ${host} is in use; choose another one`, { cause: error });
    }
    throw new AppError('CONFIG_INVALID', `can't listen on ${host} port ${port} (${code ?? 'unknown'})`, {
      cause: error,
    });
  }
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : port;
};

/** @throws USAGE for a word that is no fault, OUTPUT_UNWRITABLE, PORT_TAKEN, CONFIG_INVALID for a host that can't be had. */
export const startUploadTarget = async (options: UploadTargetOptions): Promise<UploadTarget> => {
  const { host = '127.0.0.1', slowMs = 2000, onReceived, onFault } = options;
  const faults = new FaultSequence(options.fail ?? []);
  const store = await UploadStore.open(options.directory);
  const intake = new UploadIntake(store, options.limitBytes ?? DEFAULT_LIMIT_BYTES, options.now ?? Date.now);
  const received: Received[] = [];
  const closing = new AbortController();

  const app = fastify({
    forceCloseConnections: true,
    // Any path will do for an upload, also one the router would refuse; its name is read from the original.
    rewriteUrl: (request) => (request.method === 'PUT' || request.method === 'POST' ? '/upload' : (request.url ?? '/')),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  await app.register(multipart, { limits: { fileSize: Number.POSITIVE_INFINITY }, throwFileSizeLimit: false });

  app.setErrorHandler(async (error: Error, request, reply) => {
    discardRest(request);
    return reply.code(statusOf(error)).send({ error: error.message });
  });

  app.route({
    method: ['PUT', 'POST'],
    url: '/upload',
    handler: async (request, reply) => {
      const fault = faults.take();
      if (fault !== undefined) onFault?.({ fault: wordOf(fault), method: request.method, name: nameIn(request) });
      if (await showFault(fault, { request, reply, slowMs, closing: closing.signal })) return reply;
      const result = await intake.take(request);
      if (result.kind === 'stored') {
        received.push(...result.files);
        received.splice(0, received.length - MAX_LISTED);
        for (const file of result.files) onReceived?.(file);
      }
      if (fault?.kind === 'lost') {
        reply.hijack();
        request.raw.socket.resetAndDestroy();
        return reply;
      }
      if (result.kind === 'refused') discardRest(request);
      return answer(reply, result);
    },
  });

  app.get('/', (request, reply) => {
    const uploads = received.map(listedUpload);
    if (!request.headers.accept?.includes('text/html')) return reply.send({ received: uploads });
    return reply.type('text/html; charset=utf-8').send(uploadsPage(uploads));
  });

  const port = await listen(app, host, options.port ?? 0);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close: async () => {
      closing.abort();
      await app.close();
    },
  };
};
