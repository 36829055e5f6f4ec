/**
 * What every route is given, and what it asks of a request. The services are the floors above and beside (`service.ts`); nothing here
 * knows how they work.
 *
 * A file of `routes/` exports `register…Routes(app, services)` and keeps to this:
 * - it names whole paths, `/v2/accounts/:accountId/…`. Whoever asks for another account than their own never reaches a handler, and
 *   `/v2/account/…` has been turned into their own;
 * - it answers by `sendData` of `envelope.ts` and throws AppErrors, which become Kazoo's error envelopes in one place: `details` with
 *   FieldErrors a `validation error`, NOT_FOUND a `bad identifier` of the path's last parameter unless `details` is a list of ids;
 * - what it has changed it notes by `noteDone` of `audit-notes.ts`;
 * - it takes a JSON body by `dataOf` of `envelope.ts`, which judges it by a core Validator. `schema.body` is documentation
 *   (`envelopeSchema` puts the envelope around), as is all of `schema`: nothing is coerced, filled in or cut out behind a route's back.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import type { Directory } from '../directory/directory.ts';
import type { PublicKeyDocument } from '../finalize/signature.ts';
import type { ApiLimits } from './api-limits.ts';
import type { AuditService } from './audit.ts';
import type {
  CallsService,
  ChannelsService,
  EventsService,
  HealthService,
  Principal,
  RecordingsService,
  WebhooksService,
} from './service.ts';
import type { StreamsService } from './stream-service.ts';

export type ApiServices = {
  readonly directory: Directory;
  readonly calls: CallsService;
  readonly channels: ChannelsService;
  readonly recordings: RecordingsService;
  /** Undefined: media servers' own streams are not taken. */
  readonly streams?: StreamsService;
  readonly events: EventsService;
  readonly webhooks: WebhooksService;
  readonly audit: AuditService;
  readonly health: HealthService;
  /** What manifests and audits are signed with; its public half. */
  readonly signingKey: PublicKeyDocument;
  /** Which targets a `url` may name; judged at once where it is a literal address (design §6.7). */
  readonly allowTargets: AllowList;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits: ApiLimits;
  /** Of the program, as answers tell it. */
  readonly version: string;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authentication.ts` before any handler below `/v2` runs, `PUT /v2/api_auth` aside. */
    principal: Principal | undefined;
  }
}

/** Who asks. @throws UNAUTHENTICATED when nobody was made out, which is a defect of the route unless it is open. */
export const principalOf = (request: FastifyRequest): Principal => {
  if (request.principal === undefined) throw new AppError('UNAUTHENTICATED', 'invalid credentials');
  return request.principal;
};
