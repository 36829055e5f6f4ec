/** Feeds a target mutated inputs for a while. What it throws other than an AppError, or a wait of seconds, is a finding. */
import { AppError } from '../../src/core/errors.ts';
import { seeded } from '../support/tones.ts';
import { mutated } from './mutate.ts';
import type { FuzzTarget } from './targets.ts';

/** No input is worth so long. */
const SLOW_MS = 3000;

export type Fuzzed = {
  readonly inputs: number;
  /** The input that did it, and what it did. */
  readonly finding: { readonly bytes: Uint8Array; readonly why: string } | undefined;
};

/** @param until told how many inputs there were; true ends it. */
export const fuzz = async (target: FuzzTarget, seed: number, until: (inputs: number) => boolean): Promise<Fuzzed> => {
  const random = seeded(seed);
  let inputs = 0;
  for (; !until(inputs); inputs++) {
    const bytes = inputs < target.seeds.length ? target.seeds[inputs]! : mutated(target.seeds, random);
    const why = await findingOf(target, Uint8Array.from(bytes));
    if (why !== undefined) return { inputs, finding: { bytes, why } };
  }
  return { inputs, finding: undefined };
};

const findingOf = async ({ run }: FuzzTarget, bytes: Uint8Array): Promise<string | undefined> => {
  const begun = performance.now();
  try {
    await run(bytes);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'INTERNAL') return String((error as Error).stack ?? error);
  }
  const ms = performance.now() - begun;
  return ms > SLOW_MS ? `took ${Math.round(ms)} ms` : undefined;
};
