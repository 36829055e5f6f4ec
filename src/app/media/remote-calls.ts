/** Calls and their channels as the API asks for them, where another thread has them. */
import type { CallsService, ChannelsService } from '../../http/service.ts';
import type { MediaLink } from './messages.ts';

export const remoteCalls = (link: Pick<MediaLink, 'ask'>): CallsService => ({
  announce: (accountId, announcement) => link.ask('announce', accountId, announcement),
  list: (accountId) => link.ask('calls', accountId),
  get: (accountId, callId) => link.ask('call', accountId, callId),
  answer: (accountId, callId) => link.ask('answer', accountId, callId),
  bridge: (accountId, callId) => link.ask('bridge', accountId, callId),
  announceMedia: (accountId, callId, media) => link.ask('announceMedia', accountId, callId, media),
  hangUp: (accountId, callId) => link.ask('hangUp', accountId, callId),
});

export const remoteChannels = (link: Pick<MediaLink, 'ask'>): ChannelsService => ({
  list: (accountId, owner) => link.ask('channels', accountId, owner),
  get: (accountId, uuid) => link.ask('channel', accountId, uuid),
  act: (accountId, uuid, fields, by) => link.ask('act', accountId, uuid, fields, by),
});
