/** `…/channels`: what is being said, leg by leg, and what is done to it: Kazoo's paths and answers (kazoo-contract §6). */
import type { FastifyInstance } from 'fastify';
import { RecordCallFields } from '../../core/record-call.ts';
import { type ApiServices, principalOf } from '../api-services.ts';
import { CHANNEL_ACTIONS, channelActionOf, channelMetaflowOf } from '../channel-action.ts';
import { runOnChannel } from '../channel-run.ts';
import { envelopeOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { ActionResultSchema, ChannelSchema, NodeResultSchema } from '../live-schemas.ts';
import { idIn, OWN_ID, PERSON_ID, pathSchema } from '../path-ids.ts';

type AccountPath = { Params: { accountId: string } };
type OwnerPath = { Params: { accountId: string; userId?: string; deviceId?: string } };
type ChannelPath = { Params: { accountId: string; uuid: string } };

const METAFLOW = {
  type: 'object',
  required: ['module'],
  properties: {
    module: { type: 'string', description: 'record_call is run; other modules of Kazoo are answered as not run.' },
    data: RecordCallFields,
    children: { type: 'object', description: 'Metaflows by key; `_` is run next.', additionalProperties: true },
  },
} as const;

const MASK_EXAMPLE = { action: 'metaflow', data: { module: 'record_call', data: { action: 'mask' } } };

const { action: _action, ...FIELDS } = RecordCallFields.properties;

const ACTION = {
  type: 'object',
  required: ['action'],
  properties: { action: { type: 'string', enum: Object.keys(CHANNEL_ACTIONS) }, ...FIELDS },
  additionalProperties: false,
} as const;

export const registerChannelRoutes = (app: FastifyInstance, services: ApiServices): void => {
  const { channels, directory, allowTargets } = services;
  const account = '/v2/accounts/:accountId';
  const one = `${account}/channels/:uuid`;
  const tags = ['channels'];
  const onePath = pathSchema({ uuid: OWN_ID });
  const listAnswer = { 200: answerSchema('The channels.', { type: 'array', items: ChannelSchema }) };

  app.get<AccountPath>(
    `${account}/channels`,
    { schema: { tags, summary: 'The legs of all running calls', params: pathSchema(), response: listAnswer } },
    async (request, reply) => sendData(reply, await channels.list(request.params.accountId)),
  );

  for (const kind of ['user', 'device'] as const) {
    app.get<OwnerPath>(
      `${account}/${kind}s/:${kind}Id/channels`,
      {
        schema: {
          tags,
          summary: `The legs of a ${kind}'s running calls`,
          params: pathSchema({ [`${kind}Id`]: PERSON_ID }),
          response: listAnswer,
        },
      },
      async (request, reply) => {
        const { accountId, userId, deviceId } = request.params;
        const id = idIn(userId ?? deviceId ?? '', PERSON_ID);
        await directory.person(accountId, kind, id);
        return sendData(reply, await channels.list(accountId, kind === 'user' ? { userId: id } : { deviceId: id }));
      },
    );
  }

  app.get<ChannelPath>(
    one,
    { schema: { tags, summary: 'A leg', params: onePath, response: { 200: answerSchema('The leg.', ChannelSchema) } } },
    async (request, reply) =>
      sendData(reply, await channels.get(request.params.accountId, idIn(request.params.uuid, OWN_ID))),
  );

  app.put<ChannelPath>(
    one,
    {
      schema: {
        tags,
        summary: 'Run a metaflow on a call',
        params: onePath,
        body: envelopeSchema(METAFLOW, { action: { type: 'string', enum: ['metaflow'] } }, MASK_EXAMPLE),
        response: {
          201: answerSchema(
            'Done. Beside `data`: `result`, what the metaflow did, and `children`, what those that followed did.',
            { type: 'string', enum: ['metaflow sent'] },
            { result: NodeResultSchema, children: { type: 'array', items: NodeResultSchema } },
          ),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const uuid = idIn(request.params.uuid, OWN_ID);
      const node = channelMetaflowOf(envelopeOf(request), allowTargets);
      const by = principalOf(request).keyId;
      const { result, children } = await runOnChannel(channels, { accountId, uuid, by }, node);
      const extra = children.length === 0 ? { result } : { result, children };
      return sendData(reply, 'metaflow sent', { status: 201, extra });
    },
  );

  app.post<ChannelPath>(
    one,
    {
      schema: {
        tags,
        summary: 'Start or stop a recording, mask or unmask the call',
        params: onePath,
        body: envelopeSchema(ACTION, {}, { data: { action: 'mask' } }),
        response: { 200: answerSchema('What was done.', ActionResultSchema) },
      },
    },
    async (request, reply) => {
      const uuid = idIn(request.params.uuid, OWN_ID);
      const fields = channelActionOf(envelopeOf(request).data, allowTargets);
      const by = principalOf(request).keyId;
      return sendData(reply, await channels.act(request.params.accountId, uuid, fields, by));
    },
  );
};
