/**
 * Which recordings a call gets by its account's, users' and devices' settings (kazoo-contract §7.1): at most one of the account's, one of
 * the caller's endpoint and one of the callee's. Pure.
 *
 * Other than in Kazoo, where every call comes *in* from somebody: a call whose direction was said is recorded by the account's settings for
 * that direction alone. And a level that says nothing of a case leaves it to the level below; Kazoo switches it off there.
 */
import type { Leg } from '../core/leg.ts';
import { MP3_RATES, type RecordCallFields } from '../core/record-call.ts';
import type { AccountCallRecording, CallRecording, RecordingParameters } from './call-recording.ts';

export type Direction = 'inbound' | 'outbound';
export type Network = 'onnet' | 'offnet';

/** An endpoint of the account: its settings from the device down to the user, and whose it is. */
export type Endpoint = {
  /** The most specific first. */
  readonly levels: readonly CallRecording[];
  readonly ownerId: string | null;
};

export type AutomaticRecording = {
  /** With the origin among them. */
  readonly fields: RecordCallFields;
  /** As Kazoo words it (kazoo-contract §2.2). */
  readonly origin: string;
  /** The user's id; null for the account's recording, and where the endpoint is nobody's. */
  readonly ownerId: string | null;
  readonly leg: Leg;
  readonly whose: 'account' | 'caller' | 'callee';
};

export const resolveRecordings = (
  account: AccountCallRecording,
  call: {
    /** Undefined: nobody said; then either setting of the account will do, inbound first. */
    readonly direction: Direction | undefined;
    readonly network: Network;
    readonly caller: Endpoint | undefined;
    readonly callee: Endpoint | undefined;
  },
): AutomaticRecording[] => {
  const { direction, network } = call;
  // A call from outside ends at ours, and a call to the outside begins there.
  const from: Network = direction === 'outbound' ? 'onnet' : network;
  const to: Network = direction === 'inbound' ? 'onnet' : network;
  const recordings: AutomaticRecording[] = [];
  const add = (
    found: RecordingParameters,
    origin: string,
    rest: Pick<AutomaticRecording, 'ownerId' | 'leg' | 'whose'>,
  ): void => {
    recordings.push({ fields: { ...fieldsOf(found), origin }, origin, ...rest });
  };

  for (const way of direction === undefined ? (['inbound', 'outbound'] as const) : [direction]) {
    const found = settingsFor([account.account], way, network);
    if (!found.enabled) continue;
    const origin = way === 'inbound' ? `inbound from ${network} to account` : `outbound to ${network} from account`;
    add(found, origin, { ownerId: null, leg: 'a', whose: 'account' });
    break;
  }
  const { caller, callee } = call;
  if (caller !== undefined) {
    const found = settingsFor([...caller.levels, account.endpoint], 'outbound', to);
    const rest = { ownerId: caller.ownerId, leg: 'a', whose: 'caller' } as const;
    if (found.enabled) add(found, `outbound to ${to} from endpoint`, rest);
  }
  if (callee !== undefined) {
    const found = settingsFor([...callee.levels, account.endpoint], 'inbound', from);
    const rest = { ownerId: callee.ownerId, leg: 'b', whose: 'callee' } as const;
    if (found.enabled) add(found, `inbound from ${from} to endpoint`, rest);
  }
  return recordings;
};

/** @param levels the most specific first */
const settingsFor = (
  levels: readonly (CallRecording | undefined)[],
  direction: Direction,
  network: Network,
): RecordingParameters => {
  const settings: RecordingParameters = {};
  for (const level of levels.toReversed()) {
    // Kazoo's order: a network that is named counts for more than a direction that is.
    Object.assign(
      settings,
      level?.any?.any,
      level?.[direction]?.any,
      level?.any?.[network],
      level?.[direction]?.[network],
    );
  }
  return settings;
};

/** Levels were judged one by one: a rate that suits one's wav may meet another's mp3. The call is recorded, at the usual rate. */
const fieldsOf = ({ enabled: _, ...fields }: RecordingParameters): RecordCallFields => {
  const { record_sample_rate: rate, ...others } = fields;
  return rate === undefined || fields.format === 'wav' || MP3_RATES.includes(rate) ? fields : others;
};
