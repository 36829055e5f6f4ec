/** `…/signing_key`: the public half of the key that this installation signs manifests and audits with. */
import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../api-services.ts';
import { sendData } from '../envelope.ts';
import { answerSchema } from '../envelope-schema.ts';
import { pathSchema } from '../path-ids.ts';

const text = { type: 'string' } as const;

const SigningKeySchema = {
  $id: 'SigningKey',
  type: 'object',
  required: ['algorithm', 'key_id', 'public_key', 'pem'],
  properties: {
    algorithm: { type: 'string', enum: ['Ed25519'] },
    key_id: { ...text, description: 'The first 16 hex digits of the SHA-256 of the raw public key.' },
    public_key: { ...text, description: 'Base64 of its 32 bytes.' },
    pem: { ...text, description: 'SubjectPublicKeyInfo.' },
  },
} as const;

export const registerSigningKeyRoute = (app: FastifyInstance, { signingKey }: ApiServices): void => {
  app.get(
    '/v2/accounts/:accountId/signing_key',
    {
      schema: {
        tags: ['audit'],
        summary: 'The public key that manifests and audits are signed with',
        description:
          'Keep it apart from the recordings: `record-call verify ARTEFACT --key FILE`, with this answer or its `pem` as FILE, then shows who made them.',
        params: pathSchema(),
        response: { 200: answerSchema('The key.', SigningKeySchema) },
      },
    },
    async (_request, reply) => sendData(reply, signingKey),
  );
};
