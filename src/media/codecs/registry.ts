/** Every codec the product knows, by its encoding name. To add one: a file beside this one and a row here. */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { amr, amrWideband } from './amr.ts';
import { dvi4 } from './dvi4.ts';
import { g722 } from './g722.ts';
import { g723 } from './g723.ts';
import { g726 } from './g726.ts';
import { g728 } from './g728.ts';
import { g729 } from './g729.ts';
import { gsm } from './gsm.ts';
import { ilbc } from './ilbc.ts';
import { l16 } from './l16.ts';
import { opus } from './opus.ts';
import { pcma } from './pcma.ts';
import { pcmu } from './pcmu.ts';
import { qcelp } from './qcelp.ts';
import { soundless } from './soundless.ts';
import { speex } from './speex.ts';

const CODECS: ReadonlyMap<string, (wire: WireCodec) => Codec | undefined> = new Map([
  ['PCMU', pcmu],
  ['PCMA', pcma],
  ['L16', l16],
  ['G722', g722],
  ['OPUS', opus],
  ['TELEPHONE-EVENT', soundless],
  ['CN', soundless],
  ['G729', g729],
  ['G729A', g729],
  ['G729B', g729],
  ['GSM', gsm],
  ['G723', g723],
  ['ILBC', ilbc],
  ['G726-16', g726],
  ['G726-24', g726],
  ['G726-32', g726],
  ['G726-40', g726],
  ['AAL2-G726-16', g726],
  ['AAL2-G726-24', g726],
  ['AAL2-G726-32', g726],
  ['AAL2-G726-40', g726],
  ['AMR', amr],
  ['AMR-WB', amrWideband],
  ['SPEEX', speex],
  ['DVI4', dvi4],
  ['G728', g728],
  ['QCELP', qcelp],
]);

/**
 * The codec for a wire description; undefined for a name that isn't known or parameters the codec can't have, such as a clock
 * beyond 8 to 48 kHz. Names compare without case.
 */
export const codecFor = (wire: WireCodec): Codec | undefined =>
  wire.clockRate > 0 ? CODECS.get(wire.name.toUpperCase())?.(wire) : undefined;

/** Every name that is known, in upper case. */
export const CODEC_NAMES: readonly string[] = [...CODECS.keys()];
