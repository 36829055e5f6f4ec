/** ILBC: frames of 38 bytes are 20 ms, of 50 bytes 30 ms; `mode` says which (RFC 3952), unless the length says otherwise. */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { formatParameter } from './fmtp.ts';
import { foreignByLength } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

type Mode = { readonly bytes: number; readonly samples: number };
const MODE_20: Mode = { bytes: 38, samples: 160 };
const MODE_30: Mode = { bytes: 50, samples: 240 };

export function ilbc(wire: WireCodec): Codec {
  const [agreed, other] = formatParameter(wire, 'mode') === '20' ? [MODE_20, MODE_30] : [MODE_30, MODE_20];
  return foreignByLength(wire, 8000, REACH_BACK_MS.ilbc, (length) => {
    const mode = length % agreed.bytes === 0 ? agreed : length % other.bytes === 0 ? other : undefined;
    return mode ? (mode.samples * length) / mode.bytes : 0;
  });
}
