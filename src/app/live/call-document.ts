/** A call and its channels as the API shows them (design §6.5; kazoo-contract §6). Pure. */
import { gregorianSeconds } from '../../core/ids.ts';
import { type Leg, otherLeg } from '../../core/leg.ts';
import type { CallDocument, ChannelDocument, LegDocument } from '../../http/service.ts';
import type { AnnouncedCall } from './announced-call.ts';
import type { AnnouncedLeg } from './announced-leg.ts';

export const callDocument = (call: AnnouncedCall): CallDocument => {
  const { callId, direction, from, to, announcedUs } = call.head;
  return {
    call_id: callId,
    direction,
    from,
    to,
    state: call.state,
    masked: call.isMasked,
    announced_at: new Date(announcedUs / 1000).toISOString(),
    legs: { a: legDocument(call.legs.a), b: legDocument(call.legs.b) },
    recordings: [...call.recordings.ids],
  };
};

const legDocument = ({ channelId, socket, party, state, packets, dropped }: AnnouncedLeg): LegDocument => ({
  channel_id: channelId,
  ...(socket === undefined ? {} : { rtp: { host: socket.host, port: socket.port } }),
  ...(socket?.sdp === undefined ? {} : { sdp: socket.sdp }),
  user_id: party.userId,
  device_id: party.deviceId,
  state,
  packets,
  dropped,
});

export const channelDocument = (call: AnnouncedCall, leg: Leg): ChannelDocument => {
  const { callId, from, to, announcedUs } = call.head;
  const { channelId, party } = call.legs[leg];
  const { deviceId, userId } = party;
  return {
    uuid: channelId,
    call_id: callId,
    leg,
    other_leg: call.legs[otherLeg(leg)].channelId,
    // As a switch sees it: the caller's leg comes in, the callee's goes out.
    direction: leg === 'a' ? 'inbound' : 'outbound',
    answered: call.isAnswered,
    authorizing_id: deviceId ?? userId,
    authorizing_type: deviceId !== null ? 'device' : userId !== null ? 'user' : null,
    owner_id: userId,
    username: party.number !== '' ? party.number : (userId ?? ''),
    destination: to,
    presence_id: leg === 'a' ? from : to,
    timestamp: gregorianSeconds(announcedUs),
    masked: call.isMasked,
    recordings: [...call.recordings.ids],
  };
};
