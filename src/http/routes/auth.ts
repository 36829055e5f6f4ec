/** `PUT /v2/api_auth`: an API key for a token that expires (kazoo-contract §8.4). */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { AppError } from '../../core/errors.ts';
import { Validator } from '../../core/validation.ts';
import { STRANGERS_BODY_BYTES } from '../api-limits.ts';
import type { ApiServices } from '../api-services.ts';
import { noteDone } from '../audit-notes.ts';
import type { Authentication } from '../authentication.ts';
import { dataOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';

// Kazoo's `restrictions` are not known here: a token that can do more than was asked for is worse than none.
const Credentials = Type.Object(
  {
    api_key: Type.String({
      minLength: 1,
      maxLength: 256,
      description: '64 hex digits; told when the account was made.',
    }),
  },
  { additionalProperties: false },
);

const CREDENTIALS = new Validator<{ api_key: string }>(Credentials);

const Granted = {
  type: 'object',
  properties: {
    account_id: { type: 'string' },
    reseller_id: { type: 'string' },
    is_reseller: { type: 'boolean', description: 'Whether the key is the admin key.' },
    language: { type: 'string' },
    apps: { type: 'array' },
  },
};

export const registerAuthRoutes = (
  app: FastifyInstance,
  { directory, audit }: ApiServices,
  security: Authentication,
): void => {
  app.put(
    '/v2/api_auth',
    {
      config: { open: true },
      bodyLimit: STRANGERS_BODY_BYTES,
      schema: {
        tags: ['authentication'],
        summary: 'Get a token for an API key',
        description: 'The token is `auth_token` of the answer. It lives for an hour after its last use.',
        body: envelopeSchema(Credentials, {}, { data: { api_key: '$API_KEY' } }),
        response: { 201: answerSchema('The token, and whose it is.', Granted) },
      },
    },
    async (request, reply) => {
      const { api_key: key } = dataOf(request, CREDENTIALS);
      const { token, principal } = await directory.exchange(key).catch((error: unknown) => {
        throw error instanceof AppError && error.code === 'UNAUTHENTICATED' ? security.refusal(request) : error;
      });
      request.principal = principal;
      request.authToken = token;
      const { accountId, keyId, isAdmin } = principal;
      noteDone(audit, request, 'key.exchange', `key/${keyId}`);
      // One level of accounts: each is its own reseller, as far as Kazoo's clients want to know.
      const data = { account_id: accountId, reseller_id: accountId, is_reseller: isAdmin, language: 'en-us', apps: [] };
      return sendData(reply, data, { status: 201 });
    },
  );
};
