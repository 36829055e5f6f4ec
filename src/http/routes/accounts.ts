/** `/v2/accounts`: the admin key makes them, each sees itself alone (design §6.3, §6.7). */
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { ChangedAccount, NewAccount } from '../../directory/accounts.ts';
import { accountDocument } from '../../directory/document-fields.ts';
import type { JsonObject } from '../../store/rows.ts';
import type { ApiServices } from '../api-services.ts';
import { fieldsOf, noteDone } from '../audit-notes.ts';
import { AccountPatchSchema, AccountSchema, NewAccountSchema } from '../directory-schemas.ts';
import { envelopeOf, revisionOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { pathSchema } from '../path-ids.ts';

type AccountPath = { Params: { accountId: string } };

/** Every call that comes in to a user or device is recorded. */
const RECORD_ALL_EXAMPLE = { data: { call_recording: { endpoint: { inbound: { any: { enabled: true } } } } } };

export const registerAccountRoutes = (app: FastifyInstance, { directory, audit }: ApiServices): void => {
  const one = '/v2/accounts/:accountId';
  const common = { tags: ['accounts'], params: pathSchema() };
  const body = envelopeSchema(AccountSchema, {}, { data: { name: 'Example Ltd.' } });
  const patch = envelopeSchema(AccountPatchSchema, {}, RECORD_ALL_EXAMPLE);
  const response = { 200: answerSchema('The account.', AccountSchema) };

  app.put(
    '/v2/accounts',
    {
      config: { admin: true },
      schema: {
        tags: ['accounts'],
        summary: 'Make an account and its key',
        description: 'With the admin key, which the first start wrote into `credentials.json`.',
        body,
        response: { 201: answerSchema('The account and its key.', NewAccountSchema) },
      },
    },
    async (request, reply) => {
      const fields = envelopeOf(request).data as { name?: unknown };
      // Judged there, a missing one and one that is no string too.
      const made = await directory.createAccount(fields.name as string);
      const changed = await furnished(made, fields);
      const account = accountDocument(changed);
      noteDone(audit, request, 'account.create', `account/${made.account.id}`, fieldsOf(fields));
      return sendData(
        reply,
        { ...told(changed), api_key: made.apiKey },
        { status: 201, revision: revisionOf(account) },
      );
    },
  );

  /** What else was said of the new account; when that is wrong there is to be none. */
  const furnished = async ({ account }: NewAccount, fields: object): Promise<ChangedAccount> => {
    if (Object.keys(fields).length <= 1) return account;
    try {
      return await directory.replaceAccount(account.id, fields);
    } catch (error) {
      await directory.removeAccount(account.id);
      throw error;
    }
  };

  app.get<AccountPath>(one, { schema: { ...common, summary: 'The account', response } }, async (request, reply) => {
    const account = accountDocument(await directory.account(request.params.accountId));
    return sendData(reply, account, { revision: revisionOf(account) });
  });

  app.post<AccountPath>(
    one,
    { schema: { ...common, summary: 'Replace the settings of the account', body, response } },
    async (request, reply) => {
      const { accountId } = request.params;
      const { data } = envelopeOf(request);
      const changed = await directory.replaceAccount(accountId, data);
      noteDone(audit, request, 'account.replace', `account/${accountId}`, fieldsOf(data));
      return sendData(reply, told(changed), { revision: revisionOf(accountDocument(changed)) });
    },
  );

  app.patch<AccountPath>(
    one,
    {
      schema: {
        ...common,
        summary: 'Change settings of the account',
        description: 'Only what is given changes; null removes.',
        body: patch,
        response,
      },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const patch = patchIn(envelopeOf(request).data);
      const changed = await directory.updateAccount(accountId, patch);
      noteDone(audit, request, 'account.change', `account/${accountId}`, fieldsOf(patch));
      return sendData(reply, told(changed), { revision: revisionOf(accountDocument(changed)) });
    },
  );

  app.delete<AccountPath>(
    one,
    {
      schema: {
        ...common,
        summary: 'Remove the account, its users, devices and keys',
        description: 'The account of the only admin key stays: without one nobody could make accounts.',
        response,
      },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const removed = await directory.removeAccount(accountId);
      noteDone(audit, request, 'account.remove', `account/${accountId}`);
      return sendData(reply, accountDocument(removed));
    },
  );
};

/** With the secret of its webhook where that was made just now. */
const told = (changed: ChangedAccount): JsonObject => ({
  ...accountDocument(changed),
  ...(changed.madeSecret === undefined ? {} : { webhook_secret: changed.madeSecret }),
});

const patchIn = (data: unknown): object => {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data;
  throw new AppError('FIELDS_INVALID', 'a patch has to be an object');
};
