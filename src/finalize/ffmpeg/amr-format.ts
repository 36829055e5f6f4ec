/**
 * AMR and AMR-WB from RTP payloads (RFC 4867 §4) to the storage format (§5), frame by frame: a byte of type and
 * quality, then the speech bits, padded to bytes. Both payload forms; not those with CRC, interleaving, sorted bits or
 * several channels.
 */
import { bitsAt } from '../../media/codecs/bits.ts';
import { formatParameter } from '../../media/codecs/fmtp.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { ForeignFormat, ForeignUnit } from './foreign-format.ts';

type Variant = {
  readonly head: string;
  readonly decoders: readonly string[];
  /** Bits by frame type (3GPP TS 26.101 table 1a, TS 26.201 table 1a); undefined where reserved. */
  readonly bits: readonly (number | undefined)[];
  /** Types below carry speech. Those above, silence descriptions and absent frames, no decoder of ffmpeg takes. */
  readonly speechTypes: number;
  readonly samples: number;
};

const NARROW: Variant = {
  head: '#!AMR\n',
  decoders: ['amrnb', 'libopencore_amrnb'],
  bits: [95, 103, 118, 134, 148, 159, 204, 244, 39, 43, 38, 37, undefined, undefined, undefined, 0],
  speechTypes: 8,
  samples: 160,
};

const WIDE: Variant = {
  head: '#!AMR-WB\n',
  decoders: ['amrwb', 'libopencore_amrwb'],
  bits: [132, 177, 253, 285, 317, 365, 397, 461, 477, 40, undefined, undefined, undefined, undefined, 0, 0],
  speechTypes: 9,
  samples: 320,
};

export const amr = (wire: WireCodec): ForeignFormat | undefined => adaptiveMultiRate(wire, NARROW);
export const amrWideband = (wire: WireCodec): ForeignFormat | undefined => adaptiveMultiRate(wire, WIDE);

const adaptiveMultiRate = (wire: WireCodec, variant: Variant): ForeignFormat | undefined => {
  const rare =
    formatParameter(wire, 'crc') === '1' ||
    formatParameter(wire, 'robust-sorting') === '1' ||
    formatParameter(wire, 'interleaving') !== undefined;
  if (rare || wire.channels > 1) return undefined;
  const aligned = formatParameter(wire, 'octet-align') === '1';
  return {
    decoders: variant.decoders,
    inputOptions: ['-f', 'amr'],
    preamble: () => Buffer.from(variant.head, 'latin1'),
    units: (payload) => units(payload, variant, aligned),
  };
};

/**
 *     aligned:  | CMR 4, 0000 | F FT4 Q 00 | … | speech of each frame, each from a new byte |
 *     packed:   | CMR 4 | F FT4 Q | … | speech of each frame, bit after bit |
 */
const units = (payload: Uint8Array, variant: Variant, aligned: boolean): readonly ForeignUnit[] => {
  const entryBits = aligned ? 8 : 6;
  const listed: { readonly type: number; readonly good: number; readonly bits: number }[] = [];
  let at = aligned ? 8 : 4;
  for (let more = 1; more === 1; at += entryBits) {
    if (at + entryBits > 8 * payload.length) return [];
    more = bitsAt(payload, at, 1);
    const type = bitsAt(payload, at + 1, 4);
    const bits = variant.bits[type];
    if (bits === undefined) return [];
    listed.push({ type, good: bitsAt(payload, at + 5, 1), bits });
  }
  const found: ForeignUnit[] = [];
  for (const { type, good, bits } of listed) {
    const taken = aligned ? 8 * Math.ceil(bits / 8) : bits;
    if (at + taken > 8 * payload.length) return [];
    const bytes = type < variant.speechTypes ? storedFrame(payload, at, bits, type, good) : undefined;
    found.push({ bytes, samples: variant.samples });
    at += taken;
  }
  return found;
};

/** §5.3: | 0 FT4 Q 00 | speech bits, padded with zeros |. */
const storedFrame = (payload: Uint8Array, at: number, bits: number, type: number, good: number): Uint8Array => {
  const frame = new Uint8Array(1 + Math.ceil(bits / 8));
  frame[0] = (type << 3) | (good << 2);
  for (let done = 0; done < bits; done += 8) {
    const count = Math.min(8, bits - done);
    frame[1 + done / 8] = bitsAt(payload, at + done, count) << (8 - count);
  }
  return frame;
};
