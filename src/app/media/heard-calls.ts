/** What is asked of calls and channels over the link, done by the live calls of this thread. */
import type { LiveCalls } from '../live/live-calls.ts';
import type { CallCommands } from './messages.ts';

export const heardCalls = (calls: LiveCalls): CallCommands => ({
  announce: (accountId, announcement) => calls.announce(accountId, announcement),
  calls: async (accountId) => calls.list(accountId),
  call: async (accountId, callId) => calls.get(accountId, callId),
  answer: (accountId, callId) => calls.answer(accountId, callId),
  bridge: (accountId, callId) => calls.bridge(accountId, callId),
  announceMedia: (accountId, callId, media) => calls.announceMedia(accountId, callId, media),
  hangUp: (accountId, callId) => calls.hangUp(accountId, callId),
  channels: async (accountId, owner) => calls.channels.list(accountId, owner),
  channel: async (accountId, uuid) => calls.channels.get(accountId, uuid),
  act: (accountId, uuid, fields, by) => calls.channels.act(accountId, uuid, fields, by),
});
