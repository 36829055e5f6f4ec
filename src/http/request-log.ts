/**
 * One line per request, when it is answered: which route, what came of it, how long it took. Never a URL (ids, numbers and tokens are
 * in it), a header or a body; what other code logs of those by mistake is redacted.
 */
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The catalogue's code of what it was refused for. */
    refusal: string | undefined;
  }
  interface FastifyContextConfig {
    /** Asked for every few seconds: logged as `debug`. */
    readonly quiet?: boolean;
  }
}

const SECRETS = [
  'authorization',
  'Authorization',
  '["x-auth-token"]',
  '["X-Auth-Token"]',
  'cookie',
  'auth_token',
  'api_key',
];

const below = (parent: string): string[] =>
  SECRETS.map((name) => (name.startsWith('[') ? parent + name : `${parent}.${name}`));

/** @param logger whatever it redacts itself, of what comes from here this is gone too. */
export const apiLogger = (logger: FastifyBaseLogger): FastifyBaseLogger =>
  logger.child(
    {},
    {
      redact: {
        paths: ['headers', '*', '*.headers', '*.data', 'query', '*.query'].flatMap(below).concat(SECRETS),
        censor: '[redacted]',
      },
      serializers: {
        req: ({ method, routeOptions }: FastifyRequest) => ({ method, route: routeOptions?.url }),
        res: ({ statusCode }: FastifyReply) => ({ status: statusCode }),
      },
    },
  );

export class RequestLog extends LogController {
  override incomingRequest(): void {
    // Said when it is answered.
  }

  override routeNotFound(): void {
    // A line like any other, by `requestCompleted`.
  }

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const { config, url: route } = request.routeOptions;
    const line = {
      method: request.method,
      // Undefined: a path that isn't there; what it was stays unsaid.
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      accountId: request.principal?.accountId,
      refusal: request.refusal,
    };
    if (error) request.log.warn({ ...line, err: error }, 'request broken off');
    else if (config?.quiet) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  }
}
