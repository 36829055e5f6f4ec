/**
 * Who asks, and whether they may (kazoo-contract §8.4): a token or an API key in `X-Auth-Token`, in the query's or a JSON body's
 * `auth_token`, or as a bearer. Every route needs one unless its config says `open`; one below an account is for that account alone.
 */
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Directory } from '../directory/directory.ts';
import type { FailureLimit } from '../directory/failure-limit.ts';
import { secretKind } from '../directory/secrets.ts';
import { STRANGERS_BODY_BYTES } from './api-limits.ts';
import type { Principal } from './service.ts';
import { OWN_ACCOUNT } from './verb-tunnel.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no key. */
    readonly open?: boolean;
    /** Needs the admin key. */
    readonly admin?: boolean;
  }
}

export type AuthenticationOptions = {
  readonly failures: FailureLimit;
  readonly clock: Clock;
  /** Told of each failure. @param accountId in whose path it was, whether there is such an account or not */
  readonly onRefused: (accountId: string | undefined) => void;
};

const ACCOUNT_ID = /^[0-9a-f]{32}$/;

export class Authentication {
  readonly #directory: Directory;
  readonly #options: AuthenticationOptions;

  constructor(directory: Directory, options: AuthenticationOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** By what the request line and the headers say; leaves open only what a body can still say. @throws as `require` */
  async early(request: FastifyRequest): Promise<void> {
    const { config } = request.routeOptions;
    if (config.open) return;
    const token = tokenInHead(request);
    if (token !== undefined) await this.#admit(request, token, config);
    else if (!mayBringToken(request)) throw this.refusal(request);
  }

  /**
   * By the body too.
   * @param config of the route that is going to answer, which isn't the request's own when a verb is tunnelled.
   * @throws UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN, NOT_FOUND for an account id that can't be one
   */
  async require(request: FastifyRequest, config: FastifyContextConfig): Promise<void> {
    if (config.open) return;
    const token = request.principal === undefined ? (tokenInHead(request) ?? tokenInBody(request)) : undefined;
    if (token !== undefined) return this.#admit(request, token, config);
    if (request.principal === undefined) throw this.refusal(request);
    permit(request, config);
  }

  /**
   * What to throw at a failure, which it counts. Who fails too often is told so, and nothing more: a good key is taken all the same,
   * because many may share an address with one who fails, and some of them have to mask.
   */
  refusal({ ip, params }: FastifyRequest): AppError {
    const { accountId = '' } = (params ?? {}) as { readonly accountId?: string };
    return this.refusalTo(ip, accountId);
  }

  /** Of a connection that is no request of ours, such as a WebSocket's upgrade. @throws UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN */
  async admit(ip: string, accountId: string, token: string): Promise<Principal> {
    const principal = await this.#directory.principalOf(token);
    if (principal === undefined) throw this.refusalTo(ip, accountId);
    if (principal.accountId !== accountId) throw new AppError('FORBIDDEN', 'another account');
    return principal;
  }

  /** As `refusal`. */
  refusalTo(ip: string, accountId: string): AppError {
    const { failures, clock, onRefused } = this.#options;
    onRefused(ACCOUNT_ID.test(accountId) ? accountId : undefined);
    const nowMs = clock.now() / 1000;
    const waitMs = failures.waitMs(ip, nowMs);
    failures.failed(ip, nowMs);
    if (waitMs === 0) return new AppError('UNAUTHENTICATED', 'no key or token, or none that is valid');
    return new AppError('RATE_LIMITED', 'too many failed attempts', { details: { retryAfterSeconds: waitMs / 1000 } });
  }

  async #admit(request: FastifyRequest, token: string, config: FastifyContextConfig): Promise<void> {
    const principal = await this.#directory.principalOf(token);
    if (principal === undefined) throw this.refusal(request);
    request.principal = principal;
    // A key lasts, so no answer repeats it.
    request.authToken = secretKind(token) === 'token' ? token : undefined;
    permit(request, config);
  }
}

const tokenInHead = ({ headers, query }: FastifyRequest): string | undefined => {
  const header = headers['x-auth-token'];
  if (typeof header === 'string' && header !== '') return header;
  const { auth_token: parameter } = query as { auth_token?: unknown };
  if (typeof parameter === 'string' && parameter !== '') return parameter;
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
};

const tokenInBody = ({ body }: FastifyRequest): string | undefined => {
  const token = typeof body === 'object' && body !== null && 'auth_token' in body ? body.auth_token : undefined;
  return typeof token === 'string' ? token : undefined;
};

/** Whether there is a body to come that may have a token in it, of a length that is told and small. */
const mayBringToken = ({ method, headers }: FastifyRequest): boolean =>
  method !== 'GET' &&
  method !== 'HEAD' &&
  (headers['content-type'] ?? '').includes('json') &&
  Number(headers['content-length'] ?? Number.NaN) <= STRANGERS_BODY_BYTES;

/** Lets nobody into another's account, whether there is one of that id or not. */
const permit = (request: FastifyRequest, config: FastifyContextConfig): void => {
  const { accountId, isAdmin } = request.principal!;
  const params = request.params as { accountId?: string };
  if (params.accountId === OWN_ACCOUNT) params.accountId = accountId;
  if (params.accountId !== undefined && params.accountId !== accountId) {
    if (ACCOUNT_ID.test(params.accountId)) throw new AppError('FORBIDDEN', 'another account');
    const message = `invalid account_id '${params.accountId.slice(0, 64)}'`;
    throw new AppError('NOT_FOUND', message, { details: { message } });
  }
  if (config.admin && !isAdmin) throw new AppError('FORBIDDEN', 'needs the admin key');
};
