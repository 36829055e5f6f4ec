/** G726-16, -24, -32, -40, and the same with AAL2 packing: 2 to 5 bits a sample, by the name (RFC 3551 §4.5.4). */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { foreignByLength } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

export function g726(wire: WireCodec): Codec | undefined {
  const bits = Number(wire.name.slice(wire.name.lastIndexOf('-') + 1)) / 8;
  if (!(bits >= 2 && bits <= 5)) return undefined;
  return foreignByLength(wire, 8000, REACH_BACK_MS.adaptive, (length) => Math.floor((8 * length) / bits));
}
