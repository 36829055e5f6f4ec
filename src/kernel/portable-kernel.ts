/** The kernel in TypeScript: always there, and what the native one is held against. */
import type { BlockKernel } from './block-kernel.ts';
import { decodeAlaw, decodeUlaw } from './g711.ts';
import { G722Decoder } from './g722.ts';
import { goertzelEnergy } from './goertzel.ts';
import { energyOf, peakOf } from './level.ts';
import { interleave, mixInto, scale } from './mix.ts';
import { resample } from './resample-loops.ts';

export const portableKernel: BlockKernel = {
  name: 'portable',
  decodeUlaw,
  decodeAlaw,
  g722: () => new G722Decoder(),
  mixInto,
  interleave,
  scale,
  peakOf,
  energyOf,
  goertzel: (samples, from, count, coefficients, energies) => {
    for (let bin = 0; bin < Math.min(coefficients.length, energies.length); bin++)
      energies[bin] = goertzelEnergy(samples, from, count, coefficients[bin]!);
  },
  resample,
};
