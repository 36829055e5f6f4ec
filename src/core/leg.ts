/** A call's two legs: `a` the caller, `b` the callee (design §2). */
export type Leg = 'a' | 'b';

export const LEGS = ['a', 'b'] as const satisfies readonly Leg[];

export const otherLeg = (leg: Leg): Leg => (leg === 'a' ? 'b' : 'a');
