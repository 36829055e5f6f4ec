/** When a service's life ends: at an instant of the clock, or a little after the first of some phase that begins once it has lived for a while. */
import type { Dice } from './dice.ts';
import { PHASES, type Phase } from './phases.ts';

export type Aim = {
  readonly at: Phase | 'any';
  /** After the start of the process for `start-up`, after it listens otherwise. */
  readonly armedMs: number;
  /** After what it waits for. */
  readonly delayMs: number;
};

/** Kills that aim at nothing, among those that aim at each phase once. */
const ANYWHERE = 3;

/** How long each goes on, about. */
const LASTS_MS: Readonly<Record<Phase | 'any', number>> = {
  'start-up': 1100,
  recovery: 250,
  announce: 12,
  start: 12,
  record: 400,
  mask: 8,
  masked: 250,
  unmask: 8,
  stop: 6,
  'hang up': 10,
  finalize: 60,
  deliver: 50,
  any: 1500,
};

/** Rounds of all phases, each round in an order of its own. */
export const crashPlan = (kills: number, dice: Dice): Aim[] => {
  const aims: Aim[] = [];
  while (aims.length < kills) {
    const anywhere = Array.from({ length: ANYWHERE }, () => 'any' as const);
    for (const at of dice.shuffled<Phase | 'any'>([...PHASES, ...anywhere])) {
      const isFromStart = at === 'start-up' || at === 'recovery' || at === 'any';
      aims.push({ at, armedMs: isFromStart ? 0 : dice.between(50, 1100), delayMs: dice.between(0, LASTS_MS[at]) });
    }
  }
  return aims.slice(0, kills);
};
