/** Users and devices of an account (design §6.7): made under a new id or one that is given, replaced, patched, removed. */
import type { FastifyInstance } from 'fastify';
import { personDocument } from '../../directory/document-fields.ts';
import type { PersonKind, PersonRow } from '../../store/rows.ts';
import type { ApiServices } from '../api-services.ts';
import { fieldsOf, noteDone } from '../audit-notes.ts';
import { PERSON_SCHEMAS } from '../directory-schemas.ts';
import { envelopeOf, revisionOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { idIn, PERSON_ID, pathSchema } from '../path-ids.ts';

type AccountPath = { Params: { accountId: string } };
type PersonPath = { Params: { accountId: string; userId?: string; deviceId?: string } };

/** What lists tell of each, where it is known: Kazoo's own keys. */
const LISTED = [
  'id',
  'name',
  'owner_id',
  'username',
  'first_name',
  'last_name',
  'email',
  'device_type',
  'mac_address',
  'enabled',
];

const EXAMPLES = {
  user: { data: { name: 'Alice', call_recording: { any: { any: { enabled: true } } } } },
  device: { data: { name: 'Desk', owner_id: 'alice' } },
} as const satisfies Record<PersonKind, unknown>;

export const registerPeopleRoutes = (app: FastifyInstance, services: ApiServices): void => {
  registerKind(app, services, 'user');
  registerKind(app, services, 'device');
};

const registerKind = (app: FastifyInstance, { directory, audit }: ApiServices, kind: PersonKind): void => {
  const all = `/v2/accounts/:accountId/${kind}s`;
  const one = `${all}/:${kind}Id`;
  const tags = [`${kind}s`];
  const params = pathSchema({ [`${kind}Id`]: PERSON_ID });
  const body = envelopeSchema(PERSON_SCHEMAS[kind], {}, EXAMPLES[kind]);
  const stored = answerSchema(`The ${kind}.`, PERSON_SCHEMAS[kind]);
  const listed = answerSchema('In the order of their ids.', {
    type: 'array',
    items: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } },
  });

  app.get<AccountPath>(
    all,
    { schema: { tags, summary: `All ${kind}s`, params: pathSchema(), response: { 200: listed } } },
    async (request, reply) =>
      sendData(reply, (await directory.listPeople(request.params.accountId, kind)).map(summary)),
  );

  app.put<AccountPath>(
    all,
    {
      schema: { tags, summary: `Make a ${kind} under a new id`, params: pathSchema(), body, response: { 201: stored } },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const { data } = envelopeOf(request);
      const made = await directory.putPerson(accountId, kind, undefined, data);
      noteDone(audit, request, `${kind}.create`, `${kind}/${made.id}`, fieldsOf(data));
      return sendData(reply, ...documentOf(made, 201));
    },
  );

  app.get<PersonPath>(
    one,
    { schema: { tags, summary: `A ${kind}`, params, response: { 200: stored } } },
    async (request, reply) =>
      sendData(reply, ...documentOf(await directory.person(request.params.accountId, kind, idOf(request.params)))),
  );

  app.put<PersonPath>(
    one,
    { schema: { tags, summary: `Make or replace a ${kind} under this id`, params, body, response: { 201: stored } } },
    async (request, reply) => {
      const { accountId, userId, deviceId } = request.params;
      const { data } = envelopeOf(request);
      const put = await directory.putPerson(accountId, kind, userId ?? deviceId, data);
      noteDone(audit, request, `${kind}.replace`, `${kind}/${put.id}`, fieldsOf(data));
      return sendData(reply, ...documentOf(put, 201));
    },
  );

  app.post<PersonPath>(
    one,
    { schema: { tags, summary: `Replace a ${kind}`, params, body, response: { 200: stored } } },
    async (request, reply) => {
      const { accountId } = request.params;
      const { data } = envelopeOf(request);
      const { id } = await directory.person(accountId, kind, idOf(request.params));
      const put = await directory.putPerson(accountId, kind, id, data);
      noteDone(audit, request, `${kind}.replace`, `${kind}/${id}`, fieldsOf(data));
      return sendData(reply, ...documentOf(put));
    },
  );

  app.patch<PersonPath>(
    one,
    {
      schema: {
        tags,
        summary: `Change a ${kind}`,
        description: 'Only what is given changes; null removes.',
        params,
        body,
        response: { 200: stored },
      },
    },
    async (request, reply) => {
      const { data } = envelopeOf(request);
      const patched = await directory.patchPerson(request.params.accountId, kind, idOf(request.params), data);
      noteDone(audit, request, `${kind}.change`, `${kind}/${patched.id}`, fieldsOf(data));
      return sendData(reply, ...documentOf(patched));
    },
  );

  app.delete<PersonPath>(
    one,
    { schema: { tags, summary: `Remove a ${kind}`, params, response: { 200: stored } } },
    async (request, reply) => {
      const removed = await directory.removePerson(request.params.accountId, kind, idOf(request.params));
      noteDone(audit, request, `${kind}.remove`, `${kind}/${removed.id}`);
      return sendData(reply, personDocument(removed));
    },
  );
};

const idOf = ({ userId, deviceId }: PersonPath['Params']): string => idIn(userId ?? deviceId ?? '', PERSON_ID);

const documentOf = (
  row: PersonRow,
  status = 200,
): [document: object, options: { status: number; revision: string }] => {
  const document = personDocument(row);
  return [document, { status, revision: revisionOf(document) }];
};

const summary = (row: PersonRow): object => {
  const document = personDocument(row);
  return Object.fromEntries(LISTED.filter((key) => key in document).map((key) => [key, document[key]]));
};
