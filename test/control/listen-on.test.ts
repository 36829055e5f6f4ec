import { expect, test } from 'vitest';
import { listenedLegs } from '../../src/control/listen-on.ts';

for (const { listenOn, holder, legs } of [
  { listenOn: undefined, holder: 'a', legs: ['a'] },
  { listenOn: undefined, holder: 'b', legs: ['b'] },
  { listenOn: 'self', holder: 'a', legs: ['a'] },
  { listenOn: 'self', holder: 'b', legs: ['b'] },
  { listenOn: 'peer', holder: 'a', legs: ['b'] },
  { listenOn: 'peer', holder: 'b', legs: ['a'] },
  { listenOn: 'both', holder: 'a', legs: ['a', 'b'] },
  { listenOn: 'both', holder: 'b', legs: ['a', 'b'] },
] as const) {
  test(`listen_on ${listenOn ?? 'absent'} of leg ${holder} hears ${legs.join(' and ')}`, () =>
    expect(listenedLegs(listenOn, holder)).toEqual(legs));
}
