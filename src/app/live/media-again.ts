/**
 * Media that is announced anew while a call runs: its server moved, was re-invited or changed codecs. Each leg that is named takes its new
 * description and is open for one new source; the other one is left alone, and so are masks and recordings. All of it or nothing.
 */
import { AppError } from '../../core/errors.ts';
import { legsNamedIn } from '../../http/announced-media.ts';
import type { CallAnnouncement } from '../../http/service.ts';
import type { AnnouncedCall } from './announced-call.ts';

/** @throws CONFLICT when the call or a leg that is named has ended, SDP_INVALID, FIELDS_INVALID; nothing has changed then */
export const announceMediaAgain = (call: AnnouncedCall, media: CallAnnouncement['media']): void => {
  if (call.ended) throw new AppError('CONFLICT', 'the call has ended');
  const legs = legsNamedIn(media);
  const takes = legs.map((leg) => {
    const { socket, state } = call.legs[leg];
    if (socket === undefined || state === 'ended')
      throw new AppError('CONFLICT', `leg ${leg} has ended, and its port may be another call's by now`);
    return socket.announced(media);
  });
  for (const take of takes) take();
  call.events.publish('call.media', { legs });
};
