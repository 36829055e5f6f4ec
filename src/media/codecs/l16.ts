/**
 * L16: 16-bit PCM, big-endian, channels interleaved (RFC 3551 §4.5.11), 8 to 192 kHz, several channels folded to one. What is
 * beyond any artefact's rate comes out at a half or a quarter of its own: speech has nothing up there that could fold back.
 */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { isLinearRate } from './rates.ts';

export function l16(wire: WireCodec): Codec | undefined {
  const { clockRate, channels } = wire;
  if (!isLinearRate(clockRate) || channels < 1) return undefined;
  const fold = clockRate > 96_000 ? 4 : clockRate > 48_000 ? 2 : 1;
  if (clockRate % fold !== 0) return undefined;
  const duration = (payload: Uint8Array): number => Math.floor(payload.length / (2 * channels));

  // By bytes: a payload may begin at an odd address, where no Int16Array can.
  const decode = (payload: Uint8Array, out: Int16Array): number => {
    const count = Math.min(Math.floor(duration(payload) / fold), out.length);
    const summed = channels * fold;
    for (let i = 0, at = 0; i < count; i++) {
      let sum = 0;
      for (let each = 0; each < summed; each++, at += 2) sum += ((payload[at]! << 24) >> 16) | payload[at + 1]!;
      out[i] = summed === 1 ? sum : Math.round(sum / summed);
    }
    return count;
  };

  return {
    wire,
    sampleRate: clockRate / fold,
    decodedBy: 'native',
    duration,
    byLength: true,
    createDecoder: () => ({ decode, reset: () => {}, close: () => {} }),
  };
}
