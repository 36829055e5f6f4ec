/** The Goertzel recurrence: one frequency's share of a block of samples, without a Fourier transform. Pure. */

/** What the recurrence needs of a frequency, in Hz. */
export const goertzelCoefficient = (frequency: number, sampleRate: number): number =>
  2 * Math.cos((2 * Math.PI * frequency) / sampleRate);

/**
 * The energy that a tone of this frequency has in `samples[from … from + count)`, on the scale of the block's sum of squares:
 * for a pure tone, about that sum.
 */
export function goertzelEnergy(samples: Float64Array, from: number, count: number, coefficient: number): number {
  let last = 0;
  let older = 0;
  for (let i = from; i < from + count; i++) {
    const next = samples[i]! + coefficient * last - older;
    older = last;
    last = next;
  }
  return (2 / count) * (last * last + older * older - coefficient * last * older);
}
