/** `…/calls`: announce, list, answer, bridge, hang up (design §6.3, §6.5). */
import type { FastifyInstance } from 'fastify';
import { AnnouncementSchema, announcementOf, CALL_ID } from '../announcement.ts';
import type { ApiServices } from '../api-services.ts';
import { envelopeOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { CallSchema } from '../live-schemas.ts';
import { actionSchema, namedAction } from '../named-action.ts';
import { idIn, pathSchema } from '../path-ids.ts';
import type { CallDocument, CallsService } from '../service.ts';

const EXAMPLE = {
  data: { call_id: 'c1', caller: { user_id: 'alice' }, callee: { user_id: 'bob' }, media: { kind: 'rtp' } },
};

const ACTIONS = ['answer', 'bridge', 'hangup'] as const;

type AccountPath = { Params: { accountId: string } };
type CallPath = { Params: { accountId: string; callId: string } };

export const registerCallRoutes = (app: FastifyInstance, { calls, allowTargets }: ApiServices): void => {
  const all = '/v2/accounts/:accountId/calls';
  const one = `${all}/:callId`;
  const tags = ['calls'];
  const onePath = pathSchema({ callId: CALL_ID });
  const oneAnswer = { 200: answerSchema('The call.', CallSchema) };

  app.put<AccountPath>(
    all,
    {
      schema: {
        tags,
        summary: 'Announce a call: one RTP address per leg, or an SDP answer per offer',
        params: pathSchema(),
        body: envelopeSchema(AnnouncementSchema, {}, EXAMPLE),
        response: { 201: answerSchema('The call, and where to send its audio.', CallSchema) },
      },
    },
    async (request, reply) => {
      const announcement = announcementOf(envelopeOf(request).data, allowTargets);
      return sendData(reply, await calls.announce(request.params.accountId, announcement), { status: 201 });
    },
  );

  app.get<AccountPath>(
    all,
    {
      schema: {
        tags,
        summary: 'The calls that are running',
        params: pathSchema(),
        response: { 200: answerSchema('The calls.', { type: 'array', items: CallSchema }) },
      },
    },
    async (request, reply) => sendData(reply, calls.list(request.params.accountId)),
  );

  app.get<CallPath>(
    one,
    { schema: { tags, summary: 'A call', params: onePath, response: oneAnswer } },
    async (request, reply) => sendData(reply, calls.get(request.params.accountId, callIdOf(request.params))),
  );

  app.post<CallPath>(
    one,
    {
      schema: {
        tags,
        summary: 'Say that a call was answered or bridged, or hang it up',
        params: onePath,
        body: actionSchema(ACTIONS),
        response: oneAnswer,
      },
    },
    async (request, reply) => {
      const action = namedAction(envelopeOf(request).data, ACTIONS);
      return sendData(reply, await act(calls, action, request.params.accountId, callIdOf(request.params)));
    },
  );

  app.delete<CallPath>(
    one,
    { schema: { tags, summary: 'Hang up: its recordings end and are finished', params: onePath, response: oneAnswer } },
    async (request, reply) => sendData(reply, await calls.hangUp(request.params.accountId, callIdOf(request.params))),
  );
};

const callIdOf = ({ callId }: { readonly callId: string }): string => idIn(callId, CALL_ID);

const act = (
  calls: CallsService,
  action: (typeof ACTIONS)[number],
  accountId: string,
  callId: string,
): Promise<CallDocument> => {
  switch (action) {
    case 'answer':
      return calls.answer(accountId, callId);
    case 'bridge':
      return calls.bridge(accountId, callId);
    case 'hangup':
      return calls.hangUp(accountId, callId);
    default:
      return action satisfies never;
  }
};
