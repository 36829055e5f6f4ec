/** A party of a call as the account knows it: a user, a device of theirs, both, or neither. */
import type { JsonObject, PersonKind, PersonRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Endpoint } from './automatic-recording.ts';
import type { CallRecording } from './call-recording.ts';
import { found } from './found.ts';

export type Party = { readonly userId?: string | undefined; readonly deviceId?: string | undefined };

export type KnownParty = { readonly user: PersonRow | undefined; readonly device: PersonRow | undefined };

/** A device's owner is its user, unless another user is named. @throws NOT_FOUND for a user or a device that is named and unknown */
export const findParty = async (store: Store, accountId: string, { userId, deviceId }: Party): Promise<KnownParty> => {
  const named = async (kind: PersonKind, id: string | undefined): Promise<PersonRow | undefined> =>
    id === undefined ? undefined : found(await store.people.get(accountId, kind, id), id);
  const device = await named('device', deviceId);
  const user = await named('user', userId);
  const ownerId = user === undefined ? (device?.ownerId ?? undefined) : undefined;
  // The owner may be gone; the device is not.
  return {
    device,
    user: user ?? (ownerId === undefined ? undefined : await store.people.get(accountId, 'user', ownerId)),
  };
};

/** Its settings for recording, a device's before its user's. Undefined for a party that is nobody of the account's. */
export const endpointOf = ({ user, device }: KnownParty): Endpoint | undefined => {
  if (user === undefined && device === undefined) return undefined;
  return { levels: [settingsOf(device?.callRecording), settingsOf(user?.callRecording)], ownerId: user?.id ?? null };
};

/** They were judged when they were stored. */
const settingsOf = (stored: JsonObject | null | undefined): CallRecording => (stored ?? {}) as CallRecording;
