/** `…/calls`: announce, list, answer, bridge, hang up (design §6.3, §6.5). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { legsNamedIn } from '../announced-media.ts';
import { AnnouncementSchema, announcementOf, CALL_ID } from '../announcement.ts';
import type { ApiServices } from '../api-services.ts';
import { hostIn, noteDone } from '../audit-notes.ts';
import { type CallAction, CallActionSchema, callActionOf } from '../call-action.ts';
import { envelopeOf, sendData } from '../envelope.ts';
import { answerSchema, envelopeSchema } from '../envelope-schema.ts';
import { CallSchema } from '../live-schemas.ts';
import { idIn, pathSchema } from '../path-ids.ts';
import type { CallDocument, CallsService } from '../service.ts';

const EXAMPLE = {
  data: { call_id: 'c1', caller: { user_id: 'alice' }, callee: { user_id: 'bob' }, media: { kind: 'rtp' } },
};

type AccountPath = { Params: { accountId: string } };
type CallPath = { Params: { accountId: string; callId: string } };

export const registerCallRoutes = (app: FastifyInstance, { calls, audit, allowTargets }: ApiServices): void => {
  const all = '/v2/accounts/:accountId/calls';
  const one = `${all}/:callId`;
  const tags = ['calls'];
  const onePath = pathSchema({ callId: CALL_ID });
  const oneAnswer = { 200: answerSchema('The call.', CallSchema) };

  const hangUp = async (request: FastifyRequest<CallPath>, reply: FastifyReply): Promise<FastifyReply> => {
    const { accountId } = request.params;
    const callId = callIdOf(request.params);
    // Asked together, so that of two who hang up one has ended it.
    const before = calls.get(accountId, callId);
    const ending = calls.hangUp(accountId, callId);
    ending.catch(() => {});
    // It ends at once, however long its recordings take to be closed.
    if ((await before).state !== 'ended') noteDone(audit, request, 'call.end', `call/${callId}`);
    return sendData(reply, await ending);
  };

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
      const call = await calls.announce(request.params.accountId, announcement);
      const { record_call: fields } = announcement;
      const said = { direction: call.direction, records: fields !== undefined, ...hostIn(fields?.url) };
      noteDone(audit, request, 'call.announce', `call/${call.call_id}`, said);
      return sendData(reply, call, { status: 201 });
    },
  );

  app.get<AccountPath>(
    all,
    {
      schema: {
        tags,
        summary: 'The calls that are running, and for a minute those that have ended',
        params: pathSchema(),
        response: { 200: answerSchema('The calls.', { type: 'array', items: CallSchema }) },
      },
    },
    async (request, reply) => sendData(reply, await calls.list(request.params.accountId)),
  );

  app.get<CallPath>(
    one,
    { schema: { tags, summary: 'A call', params: onePath, response: oneAnswer } },
    async (request, reply) => sendData(reply, await calls.get(request.params.accountId, callIdOf(request.params))),
  );

  app.post<CallPath>(
    one,
    {
      schema: {
        tags,
        summary: 'Say that a call was answered or bridged, announce its media anew, or hang it up',
        params: onePath,
        body: CallActionSchema,
        response: oneAnswer,
      },
    },
    async (request, reply) => {
      const { accountId } = request.params;
      const asked = callActionOf(envelopeOf(request).data);
      const callId = callIdOf(request.params);
      if (asked.action === 'hangup') return hangUp(request, reply);
      const call = await act(calls, asked, accountId, callId);
      const legs = asked.action === 'media' ? { legs: legsNamedIn(asked.media) } : {};
      noteDone(audit, request, `call.${asked.action}`, `call/${callId}`, legs);
      return sendData(reply, call);
    },
  );

  app.delete<CallPath>(
    one,
    { schema: { tags, summary: 'Hang up: its recordings end and are finished', params: onePath, response: oneAnswer } },
    hangUp,
  );
};

const callIdOf = ({ callId }: { readonly callId: string }): string => idIn(callId, CALL_ID);

const act = (
  calls: CallsService,
  asked: Exclude<CallAction, { action: 'hangup' }>,
  accountId: string,
  callId: string,
): Promise<CallDocument> => {
  switch (asked.action) {
    case 'answer':
      return calls.answer(accountId, callId);
    case 'bridge':
      return calls.bridge(accountId, callId);
    case 'media':
      return calls.announceMedia(accountId, callId, asked.media);
    default:
      return asked satisfies never;
  }
};
