/** Tracks as cloud voice servers call them: what they hear from the party they called or were called by, and what they play to it. Pure. */
import { LEGS, type Leg } from '../../core/leg.ts';

const LEGS_OF: ReadonlyMap<string, readonly Leg[]> = new Map<string, readonly Leg[]>([
  ['inbound', ['a']],
  ['inbound_track', ['a']],
  ['outbound', ['b']],
  ['outbound_track', ['b']],
  ['both', LEGS],
  ['both_tracks', LEGS],
]);

/** Empty for a word that is none. */
export const legsOfTrack = (word: string): readonly Leg[] => LEGS_OF.get(word) ?? [];

/** Of a list of tracks; undefined where there is none that says something. */
export const legsOfTracks = (list: unknown): readonly Leg[] | undefined => {
  const words: readonly unknown[] = Array.isArray(list) ? list.slice(0, 8) : [list];
  const said = new Set(words.flatMap((word) => (typeof word === 'string' ? legsOfTrack(word) : [])));
  return said.size === 0 ? undefined : LEGS.filter((leg) => said.has(leg));
};
