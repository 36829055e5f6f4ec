/** L16: 16-bit PCM, big-endian, channels interleaved (RFC 3551 §4.5.11), 8 to 48 kHz, several channels folded to one. */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { isAudioRate } from './rates.ts';

export function l16(wire: WireCodec): Codec | undefined {
  const { clockRate, channels } = wire;
  if (!isAudioRate(clockRate) || channels < 1) return undefined;
  const duration = (payload: Uint8Array): number => Math.floor(payload.length / (2 * channels));

  // By bytes: a payload may begin at an odd address, where no Int16Array can.
  const decode = (payload: Uint8Array, out: Int16Array): number => {
    const count = Math.min(duration(payload), out.length);
    for (let i = 0, at = 0; i < count; i++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++, at += 2) {
        sum += ((payload[at]! << 24) >> 16) | payload[at + 1]!;
      }
      out[i] = channels === 1 ? sum : Math.round(sum / channels);
    }
    return count;
  };

  return {
    wire,
    sampleRate: clockRate,
    decodedBy: 'native',
    duration,
    createDecoder: () => ({ decode, reset: () => {}, close: () => {} }),
  };
}
