/** How loud a span of 16-bit PCM is. Pure; allocates nothing. Full scale is 32768. */

/** The largest magnitude, 0 to 32768; 0 for an empty span. */
export function peakOf(pcm: Int16Array): number {
  let peak = 0;
  for (let i = 0; i < pcm.length; i++) {
    const sample = pcm[i]!;
    const magnitude = sample < 0 ? -sample : sample;
    if (magnitude > peak) peak = magnitude;
  }
  return peak;
}

/** The sum of squares. */
export function energyOf(pcm: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < pcm.length; i++) sum += pcm[i]! * pcm[i]!;
  return sum;
}

/** The root of the mean square, 0 to 32768; 0 for an empty span. */
export const rmsOf = (pcm: Int16Array): number => (pcm.length === 0 ? 0 : Math.sqrt(energyOf(pcm) / pcm.length));
