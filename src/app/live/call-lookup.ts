/**
 * What the directory knows of a call that is announced: who its parties are, whose metaflows its digits drive, which recordings
 * begin by themselves. Everything is looked up before the call is made, so that nothing of it has to be undone.
 */
import { type MetaflowsDocument, parseMetaflows } from '../../control/metaflow-document.ts';
import { AppError } from '../../core/errors.ts';
import { LEGS, type Leg } from '../../core/leg.ts';
import type { RecordCallFields } from '../../core/record-call.ts';
import type { AnnouncedParty, CallAnnouncement } from '../../http/service.ts';
import type { Parties } from '../../spool/journal-record.ts';

/** Who is on a leg. Empty strings and null where unknown. */
export type LegParty = {
  /** The one that was announced, else the device's. */
  readonly userId: string | null;
  readonly deviceId: string | null;
  readonly name: string;
  readonly number: string;
};

/** A recording that begins without anybody's command. */
export type AutomaticStart = {
  /** `origin` among them; `record_on_answer` and `record_on_bridge` as Kazoo has them. */
  readonly fields: RecordCallFields;
  /** Unlike that of any other start of the call. */
  readonly startedBy: string;
  readonly ownerId: string | null;
};

/** As the directory has it: plain data, which another thread may have looked up. */
export type FoundForCall = {
  readonly parties: Readonly<Record<Leg, LegParty>>;
  /** As they are stored. */
  readonly metaflows: Partial<Record<Leg, object>>;
  readonly starts: readonly AutomaticStart[];
};

/** @throws NOT_FOUND for an unknown user or device, FIELDS_INVALID */
export type LookUp = (accountId: string, announcement: CallAnnouncement) => Promise<FoundForCall>;

export type LookedUp = Omit<FoundForCall, 'metaflows'> & {
  /** Whose metaflows: the document of the party on each leg. */
  readonly metaflows: Partial<Record<Leg, MetaflowsDocument>>;
};

type PartyKey = { readonly userId?: string; readonly deviceId?: string };

type Person = { readonly id: string; readonly name: string; readonly ownerId: string | null };

/** The part of the directory that a call needs. */
export type CallDirectory = {
  /** @throws NOT_FOUND */
  person(accountId: string, kind: 'user' | 'device', id: string): Promise<Person>;
  /** Merged over user, device and account; undefined when empty. */
  metaflowsFor(accountId: string, party: PartyKey): Promise<object | undefined>;
  automaticRecordings(
    accountId: string,
    call: {
      /** Undefined: nobody said. */
      readonly direction: 'inbound' | 'outbound' | undefined;
      readonly network: 'onnet' | 'offnet';
      readonly caller?: PartyKey;
      readonly callee?: PartyKey;
    },
  ): Promise<
    readonly {
      readonly fields: RecordCallFields;
      readonly origin: string;
      readonly ownerId: string | null;
      readonly whose: string;
    }[]
  >;
};

/** The same as it is run. @throws METAFLOWS_INVALID when what is stored can't be run: a code must work or be missed now */
export const runnable = ({ parties, metaflows, starts }: FoundForCall): LookedUp => {
  const parsed: Partial<Record<Leg, MetaflowsDocument>> = {};
  for (const leg of LEGS) if (metaflows[leg] !== undefined) parsed[leg] = parseMetaflows(metaflows[leg]);
  return { parties, metaflows: parsed, starts };
};

/** @throws as `LookUp` */
export const lookUpCall = async (
  directory: CallDirectory,
  accountId: string,
  announcement: CallAnnouncement,
): Promise<FoundForCall> => {
  const announced = { a: announcement.caller, b: announcement.callee };
  const [a, b] = await Promise.all(LEGS.map((leg) => lookUpParty(directory, accountId, announced[leg])));
  const parties = { a: a ?? NOBODY, b: b ?? NOBODY };
  const metaflows: Partial<Record<Leg, object>> = {};
  for (const leg of holdersIn(parties)) {
    const stored = await directory.metaflowsFor(accountId, keyOf(announced[leg]));
    if (stored !== undefined) metaflows[leg] = stored;
  }
  const automatic = await directory.automaticRecordings(accountId, {
    direction: announcement.direction,
    network: announcement.network ?? 'onnet',
    ...(isOurs(parties.a) ? { caller: keyOf(announced.a) } : {}),
    ...(isOurs(parties.b) ? { callee: keyOf(announced.b) } : {}),
  });
  const starts = automatic.map(({ fields, origin, ownerId, whose }, index) => ({
    fields: { ...fields, origin },
    startedBy: `automatic:${index}:${whose}`,
    ownerId,
  }));
  return { parties, metaflows, starts: [...announcedStart(announcement, parties), ...starts] };
};

/** The same people as a journal names them. */
export const journalParties = (
  { from, to }: { readonly from: string; readonly to: string },
  { a, b }: Readonly<Record<Leg, LegParty>>,
): Parties => ({
  ...{ from, to },
  ...{ callerIdName: a.name, callerIdNumber: a.number },
  ...{ calleeIdName: b.name, calleeIdNumber: b.number },
});

const NOBODY: LegParty = { userId: null, deviceId: null, name: '', number: '' };

const isOurs = ({ userId, deviceId }: LegParty): boolean => userId !== null || deviceId !== null;

/** Who may type codes: the users and devices of the account, never a party from outside; both legs where nobody said who is who. */
const holdersIn = (parties: Readonly<Record<Leg, LegParty>>): readonly Leg[] => {
  const ours = LEGS.filter((leg) => isOurs(parties[leg]));
  return ours.length > 0 ? ours : LEGS;
};

/** As it was announced: whose a device is, the directory knows. */
const keyOf = ({ user_id: userId, device_id: deviceId }: AnnouncedParty = {}): PartyKey => ({
  ...(userId === undefined ? {} : { userId }),
  ...(deviceId === undefined ? {} : { deviceId }),
});

const lookUpParty = async (
  directory: CallDirectory,
  accountId: string,
  { user_id: userId, device_id: deviceId, name, number }: AnnouncedParty = {},
): Promise<LegParty> => {
  const device = deviceId === undefined ? undefined : await directory.person(accountId, 'device', deviceId);
  const user = userId === undefined ? undefined : await directory.person(accountId, 'user', userId);
  const ownerId = user === undefined ? (device?.ownerId ?? null) : null;
  const owner = user ?? (ownerId === null ? undefined : await ownerOf(directory, accountId, ownerId));
  return {
    userId: owner?.id ?? null,
    deviceId: device?.id ?? null,
    name: name ?? owner?.name ?? device?.name ?? '',
    number: number ?? '',
  };
};

/** A device's user, who may be gone while the device is not. */
const ownerOf = async (directory: CallDirectory, accountId: string, id: string): Promise<Person | undefined> => {
  try {
    return await directory.person(accountId, 'user', id);
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
};

/** The recording that was announced with the call; its owner is the caller's user, else the callee's. */
const announcedStart = (
  { record_call: fields }: CallAnnouncement,
  parties: Readonly<Record<Leg, LegParty>>,
): AutomaticStart[] => {
  if (fields === undefined) return [];
  const { action = 'start', ...others } = fields;
  if (action !== 'start' && action !== 'toggle') {
    throw new AppError('FIELDS_INVALID', 'record_call.action: a call that is announced can only start a recording', {
      details: {
        'record_call.action': {
          enum: { message: 'Value not found in enumerated list of values', target: ['start', 'toggle'], value: action },
        },
      },
    });
  }
  return [{ fields: others, startedBy: 'announcement', ownerId: parties.a.userId ?? parties.b.userId }];
};
