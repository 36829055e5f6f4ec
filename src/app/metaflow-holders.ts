/** Whose codes a replay obeys: which legs hold the metaflows it was given. Pure. */
import type { MetaflowsDocument } from '../control/metaflow-document.ts';
import type { Leg } from '../core/leg.ts';

/** @param holder the one party that holds them; undefined: both, as an account's, so both legs are heard and each by one machine. */
export const heldBy = (
  metaflows: MetaflowsDocument | undefined,
  holder?: Leg,
): Partial<Record<Leg, MetaflowsDocument>> | undefined => {
  if (metaflows === undefined) return undefined;
  if (holder !== undefined) return { [holder]: metaflows };
  return { a: { ...metaflows, listenOn: 'self' }, b: { ...metaflows, listenOn: 'self' } };
};
