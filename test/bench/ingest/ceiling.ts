/** The highest step of a ladder at which nothing is lost. Pure but for what it asks. */

export type Tried = 'kept' | 'lost' | 'sender';

export type Ceiling<Step> = {
  /** Undefined: not even the lowest. */
  readonly step: Step | undefined;
  /** What ended it: a loss, a sender that could not keep pace, or the ladder's end: then the ceiling is at least that high. */
  readonly by: 'loss' | 'sender' | 'ladder';
};

/** Halves the ladder; `attempt` is asked about log2 of its steps, each once. */
export const findCeiling = async <Step>(
  ladder: readonly Step[],
  attempt: (step: Step) => Promise<Tried>,
): Promise<Ceiling<Step>> => {
  let low = 0;
  let high = ladder.length;
  let by: Ceiling<Step>['by'] = 'ladder';
  while (low < high) {
    const middle = (low + high) >> 1;
    const tried = await attempt(ladder[middle]);
    if (tried === 'kept') low = middle + 1;
    else {
      high = middle;
      by = tried === 'sender' ? 'sender' : 'loss';
    }
  }
  return { step: ladder[low - 1], by };
};
