/** What PCMU and PCMA share (RFC 3551 §4.5.14): one byte a sample, channels interleaved, no state from packet to packet. */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { isAudioRate } from './rates.ts';

/**
 * @param table the 16-bit value of every code.
 * @param decodeMono the kernel's decoder of the same law.
 */
export function companded(
  wire: WireCodec,
  table: Int16Array,
  decodeMono: (src: Uint8Array, dst: Int16Array) => void,
): Codec | undefined {
  const { clockRate, channels } = wire;
  if (!isAudioRate(clockRate) || channels < 1) return undefined;

  const decode = (payload: Uint8Array, out: Int16Array): number => {
    const count = Math.min(Math.floor(payload.length / channels), out.length);
    if (channels === 1) {
      decodeMono(payload, out);
      return count;
    }
    for (let i = 0, at = 0; i < count; i++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) sum += table[payload[at++]!]!;
      out[i] = Math.round(sum / channels);
    }
    return count;
  };

  return {
    wire,
    sampleRate: clockRate,
    decodedBy: 'native',
    duration: (payload) => Math.floor(payload.length / channels),
    byLength: true,
    createDecoder: () => ({ decode, reset: () => {}, close: () => {} }),
  };
}
