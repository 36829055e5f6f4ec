/** Whose digits a person's metaflows hear (kazoo-contract §5.3). Pure. */
import { LEGS, type Leg, otherLeg } from '../core/leg.ts';

/** Kazoo's `listen_on`. */
export type ListenOn = 'self' | 'peer' | 'both';

/** @param holder the leg of whoever the metaflows belong to: `a` for the caller, `b` for the callee. */
export const listenedLegs = (listenOn: ListenOn | undefined, holder: Leg): readonly Leg[] => {
  switch (listenOn) {
    case undefined:
    case 'self':
      return [holder];
    case 'peer':
      return [otherLeg(holder)];
    case 'both':
      return LEGS;
    default:
      return listenOn satisfies never;
  }
};
