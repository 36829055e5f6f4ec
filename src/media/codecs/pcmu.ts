/** PCMU: µ-law of ITU-T G.711 in RTP (RFC 3551 §4.5.14), at any rate, several channels folded to one. */
import { ULAW_TO_PCM } from '../../kernel/g711.ts';
import { kernel } from '../../kernel/kernel.ts';
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { companded } from './companded.ts';

export const pcmu = (wire: WireCodec): Codec | undefined => companded(wire, ULAW_TO_PCM, kernel.decodeUlaw);
