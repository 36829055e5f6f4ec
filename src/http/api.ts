/**
 * The HTTP API as one fastify app, not yet listening: what holds for every request (who asks, envelopes, limits, log), then the routes.
 * Knows the floors above by `service.ts` alone.
 */
import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Directory } from '../directory/directory.ts';
import { FailureLimit, TEN_A_MINUTE } from '../directory/failure-limit.ts';
import { StreamSignatures } from '../ingest/streams/stream-signature.ts';
import { describeApi } from './api-description.ts';
import { type ApiLimits, DEFAULT_LIMITS } from './api-limits.ts';
import type { ApiServices } from './api-services.ts';
import { Authentication } from './authentication.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { answerError, answerErrors } from './error-answers.ts';
import { takeJsonBodies } from './json-body.ts';
import { apiLogger, RequestLog } from './request-log.ts';
import { setFields, setHeaderFields } from './response-headers.ts';
import { RouteTable } from './route-table.ts';
import { registerAccountRoutes } from './routes/accounts.ts';
import { registerAuditRoutes } from './routes/audit.ts';
import { registerAuthRoutes } from './routes/auth.ts';
import { registerCallRoutes } from './routes/calls.ts';
import { registerChannelRoutes } from './routes/channels.ts';
import { registerDocsRoutes } from './routes/docs.ts';
import { registerEventRoutes } from './routes/events.ts';
import { registerHealthRoutes } from './routes/health.ts';
import { registerMetaflowRoutes } from './routes/metaflows.ts';
import { registerPeopleRoutes } from './routes/people.ts';
import { registerRecordingRoutes } from './routes/recordings.ts';
import { registerRootRoute } from './routes/root.ts';
import { registerSigningKeyRoute } from './routes/signing-key.ts';
import { registerStreamRoutes } from './routes/streams.ts';
import { registerWebhookRoutes } from './routes/webhooks.ts';
import type { StreamsService } from './stream-service.ts';
import { StreamSockets } from './stream-sockets.ts';
import { tunnelledRoute, unwrapTunnels } from './verb-tunnel.ts';

export type ApiOptions = Omit<ApiServices, 'log' | 'limits'> & {
  readonly logger: FastifyBaseLogger;
  /** Proxies whose `X-Forwarded-For` is believed: addresses or networks, comma-separated. None unless said. */
  readonly trustProxy?: string;
  readonly limits?: Partial<ApiLimits>;
};

/** What a client may call its own request, so that its log and ours can be laid side by side. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export const buildApi = async (options: ApiOptions): Promise<FastifyInstance> => {
  const { logger, clock, random, version } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const hex = (bytes: number): string => Buffer.from(random(bytes)).toString('hex');
  const log = new RequestLog();
  const app: FastifyInstance = fastify({
    loggerInstance: apiLogger(logger),
    logController: log,
    genReqId: ({ headers: { 'x-request-id': id } }) => (typeof id === 'string' && REQUEST_ID.test(id) ? id : hex(16)),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: { headersTimeout: limits.headersTimeoutMs, connectionsCheckingInterval: limits.headersTimeoutMs / 4 },
    // The longest id of ours has 128 characters, each of which may be three in a URL.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    rewriteUrl: unwrapTunnels,
    trustProxy: options.trustProxy ?? false,
    frameworkErrors: (error, request, reply) => {
      // Before there is a route there are no hooks either.
      setFields(request, reply);
      answerError(error, request, reply);
      log.requestCompleted(null, request, reply);
    },
  });
  app.decorate('apiIdentity', { node: hex(16), version, now: () => clock.now() });
  // Routes judge bodies themselves, in Kazoo's words and without ajv's repairs; answers go out as they are.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));

  const connections = new ConnectionLimit(app.server, limits.connections, { clock, graceMs: limits.closingMs });
  const security = new Authentication(options.directory, {
    failures: new FailureLimit({ ...TEN_A_MINUTE, failures: limits.failuresPerMinute }),
    clock,
    onRefused: (accountId) => options.audit.refused(accountId),
  });
  app.addHook('preClose', async () => connections.close());
  if (options.streams !== undefined) openSockets(app, options.streams, { ...options, security, connections });
  const table = new RouteTable();

  answerErrors(app);
  setHeaderFields(app);
  takeJsonBodies(app, { bytes: limits.bodyBytes, timeoutMs: limits.bodyTimeoutMs });
  app.decorateRequest('principal', undefined);
  app.decorateRequest('authToken', undefined);
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return;
    await security.early(request);
    if (request.principal !== undefined) connections.vouch(request.raw.socket, reply.raw);
  });
  app.addHook('preValidation', async (request, reply) => {
    if (request.is404) return;
    const route = tunnelledRoute(request, table);
    await security.require(request, route === undefined ? request.routeOptions.config : (route.config ?? {}));
    if (request.principal !== undefined) connections.vouch(request.raw.socket, reply.raw);
    if (route === undefined) return;
    const payload: unknown = await route.handler.call(app, request, reply);
    return reply.sent ? reply : reply.send(payload);
  });
  await describeApi(app, version);
  table.watch(app);

  const services: ApiServices = { ...options, limits, log: app.log };
  // In the order in which the description lists them.
  registerAuthRoutes(app, services, security);
  registerAccountRoutes(app, services);
  registerPeopleRoutes(app, services);
  registerMetaflowRoutes(app, services);
  registerCallRoutes(app, services);
  registerChannelRoutes(app, services);
  registerStreamRoutes(app, services);
  registerRecordingRoutes(app, services);
  registerEventRoutes(app, services);
  registerWebhookRoutes(app, services);
  registerAuditRoutes(app, services);
  registerSigningKeyRoute(app, services);
  registerHealthRoutes(app, services);
  registerDocsRoutes(app);
  registerRootRoute(app);
  // Some of them are plugins, and have their paths only now.
  await app.after();
  table.refuseTheRest(app);
  return app;
};

const openSockets = (
  app: FastifyInstance,
  streams: StreamsService,
  {
    directory,
    clock,
    ...guards
  }: {
    readonly directory: Directory;
    readonly clock: Clock;
    readonly security: Authentication;
    readonly connections: ConnectionLimit;
  },
): void => {
  const signatures = new StreamSignatures(clock);
  const sockets = new StreamSockets(app.server, {
    ...{ streams, security: guards.security, connections: guards.connections },
    signatureOf: async (accountId, kind, request) => {
      const keys = await directory.streamKeys(accountId).catch((error: unknown) => {
        // Nobody learns from this which accounts there are.
        if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      });
      return signatures.judge(kind, request, keys);
    },
  });
  app.addHook('preClose', async () => sockets.close());
};
