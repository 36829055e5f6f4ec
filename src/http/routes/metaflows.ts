/**
 * Metaflows of an account, a user, a device (kazoo-contract §5): GET, POST which replaces, DELETE. A user or device that isn't there is
 * 404 and never stands for the account.
 */
import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../api-services.ts';
import { noteDone } from '../audit-notes.ts';
import { envelopeOf, revisionOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { metaflowsFrom } from '../metaflow-input.ts';
import { METAFLOWS_EXAMPLE, MetaflowsSchema } from '../metaflow-schemas.ts';
import { idIn, PERSON_ID, pathSchema } from '../path-ids.ts';

type Scope = { readonly accountId: string; readonly userId?: string; readonly deviceId?: string };

const SCOPES = [
  { path: '', whose: 'the account', ids: {} },
  { path: '/users/:userId', whose: 'a user', ids: { userId: PERSON_ID } },
  { path: '/devices/:deviceId', whose: 'a device', ids: { deviceId: PERSON_ID } },
] as const;

export const registerMetaflowRoutes = (app: FastifyInstance, { directory, audit, allowTargets }: ApiServices): void => {
  for (const { path, whose, ids } of SCOPES) {
    const url = `/v2/accounts/:accountId${path}/metaflows`;
    const common = { tags: ['metaflows'], params: pathSchema(ids) };
    const stored = answerSchema('As stored: `{}` where there are none.', MetaflowsSchema);

    app.get<{ Params: Scope }>(
      url,
      { schema: { ...common, summary: `The metaflows of ${whose}`, response: { 200: stored } } },
      async (request, reply) => {
        const metaflows = await directory.metaflows(scopeOf(request.params));
        return sendData(reply, metaflows, { revision: revisionOf(metaflows) });
      },
    );

    app.post<{ Params: Scope }>(
      url,
      {
        schema: {
          ...common,
          summary: `Replace the metaflows of ${whose}`,
          description: "The answer has the schema's defaults filled in, as Kazoo's has.",
          body: envelopeSchema(MetaflowsSchema, {}, METAFLOWS_EXAMPLE),
          response: { 200: stored },
        },
      },
      async (request, reply) => {
        const scope = scopeOf(request.params);
        const metaflows = await directory.setMetaflows(scope, metaflowsFrom(envelopeOf(request).data, allowTargets));
        noteDone(audit, request, 'metaflows.replace', subjectOf(scope));
        return sendData(reply, metaflows, { revision: revisionOf(metaflows) });
      },
    );

    app.delete<{ Params: Scope }>(
      url,
      { schema: { ...common, summary: `Remove the metaflows of ${whose}`, response: { 200: answerSchema('`{}`') } } },
      async (request, reply) => {
        const scope = scopeOf(request.params);
        await directory.removeMetaflows(scope);
        noteDone(audit, request, 'metaflows.remove', subjectOf(scope));
        return sendData(reply, {});
      },
    );
  }
};

const scopeOf = ({ accountId, userId, deviceId }: Scope): Scope => ({
  accountId,
  ...(userId === undefined ? {} : { userId: idIn(userId, PERSON_ID) }),
  ...(deviceId === undefined ? {} : { deviceId: idIn(deviceId, PERSON_ID) }),
});

const subjectOf = ({ accountId, userId, deviceId }: Scope): string => {
  if (userId !== undefined) return `user/${userId}`;
  return deviceId === undefined ? `account/${accountId}` : `device/${deviceId}`;
};
