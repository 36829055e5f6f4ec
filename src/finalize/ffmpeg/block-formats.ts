/**
 * Codecs whose RTP payload is a row of frames that ffmpeg's raw demuxers take as they are (RFC 3551 §4.5, RFC 3952).
 */
import { formatParameter } from '../../media/codecs/fmtp.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { ForeignFormat, ForeignUnit } from './foreign-format.ts';

const NOTHING = new Uint8Array(0);

/** `payload` cut into frames of `bytes`; those that `usable` refuses are silence. */
const cut = (
  payload: Uint8Array,
  bytes: number,
  samples: number,
  usable: (frame: Uint8Array) => boolean = () => true,
): ForeignUnit[] => {
  const units: ForeignUnit[] = [];
  for (let at = 0; at + bytes <= payload.length; at += bytes) {
    const frame = payload.subarray(at, at + bytes);
    units.push({ bytes: usable(frame) ? frame : undefined, samples });
  }
  return units;
};

/** 10 bytes, 10 ms. The comfort noise frame of 2 bytes (Annex B) is unknown to ffmpeg: silence. */
export const g729 = (): ForeignFormat => ({
  decoders: ['g729'],
  inputOptions: ['-f', 'g729'],
  preamble: () => NOTHING,
  units: (payload) => {
    const units = cut(payload, 10, 80);
    if (payload.length % 10 === 2) units.push({ bytes: undefined, samples: 80 });
    return units;
  },
});

/** 33 bytes, 20 ms, signed with 0xD in the first four bits; libgsm refuses what is not. */
export const gsm = (): ForeignFormat => ({
  decoders: ['gsm', 'libgsm'],
  inputOptions: ['-f', 'gsm'],
  preamble: () => NOTHING,
  units: (payload) => cut(payload, 33, 160, (frame) => frame[0]! >> 4 === 0xd),
});

/** By the two low bits of a frame: 24, 20 or 4 bytes (silence description, which ffmpeg knows), 30 ms each. */
const G723_BYTES = [24, 20, 4] as const;

export const g723 = (): ForeignFormat => ({
  decoders: ['g723_1'],
  inputOptions: ['-f', 'g723_1'],
  preamble: () => NOTHING,
  units: (payload) => {
    const units: ForeignUnit[] = [];
    for (let at = 0; at < payload.length; ) {
      const bytes = G723_BYTES[(payload[at]! & 3) as 0 | 1 | 2];
      if (bytes === undefined || at + bytes > payload.length) break;
      units.push({ bytes: payload.subarray(at, at + bytes), samples: 240 });
      at += bytes;
    }
    return units;
  },
});

/** RTP packs the first sample into the low bits (`g726le`), AAL2 into the high ones (`g726`): RFC 3551 §4.5.4. */
export const g726 = (wire: WireCodec): ForeignFormat | undefined => {
  const name = wire.name.toUpperCase();
  const bits = Number(name.slice(name.lastIndexOf('-') + 1)) / 8;
  if (!(bits >= 2 && bits <= 5)) return undefined;
  /**
   * The least bytes that hold whole samples: a payload that ends inside one would shift the bits of all that follow.
   */
  const wholeBytes = bits === 2 || bits === 4 ? 1 : bits;
  return {
    decoders: name.startsWith('AAL2-') ? ['g726'] : ['g726le'],
    inputOptions: ['-f', name.startsWith('AAL2-') ? 'g726' : 'g726le', '-code_size', `${bits}`],
    preamble: () => NOTHING,
    units: (payload, samples) => [{ bytes: payload.length % wholeBytes === 0 ? payload : undefined, samples }],
  };
};

const ILBC_20 = { bytes: 38, samples: 160, head: '#!iLBC20\n' } as const;
const ILBC_30 = { bytes: 50, samples: 240, head: '#!iLBC30\n' } as const;

/**
 * 20 ms or 30 ms, as `mode` says unless the length says otherwise. A stream goes to ffmpeg in the mode of its first
 * payload, for its file format knows one only; what comes in the other is silence.
 */
export const ilbc = (wire: WireCodec): ForeignFormat => {
  const [agreed, other] = formatParameter(wire, 'mode') === '20' ? [ILBC_20, ILBC_30] : [ILBC_30, ILBC_20];
  let sent: typeof ILBC_20 | typeof ILBC_30 | undefined;
  return {
    decoders: ['ilbc', 'libilbc'],
    inputOptions: ['-f', 'ilbc'],
    preamble: () => Buffer.from((sent ?? agreed).head, 'latin1'),
    units: (payload) => {
      const mode = [agreed, other].find(({ bytes }) => payload.length % bytes === 0);
      if (mode === undefined || payload.length === 0) return [];
      sent ??= mode;
      return cut(payload, mode.bytes, mode.samples, () => mode === sent);
    },
  };
};
