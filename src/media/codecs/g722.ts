/** G722 in RTP: one byte is two samples of 16 kHz audio, yet one tick of a clock that says 8000 (RFC 3551 §4.5.2). */
import { G722_SAMPLE_RATE } from '../../kernel/g722.ts';
import { kernel } from '../../kernel/kernel.ts';
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { REACH_BACK_MS } from './reach-back.ts';

/** 64 kbit/s. */
const BYTES_PER_SECOND = 8000;

export function g722(wire: WireCodec): Codec | undefined {
  // Some senders declare, and count, 16000.
  if (wire.channels !== 1 || (wire.clockRate !== 8000 && wire.clockRate !== 16_000)) return undefined;
  const ticksPerByte = wire.clockRate / BYTES_PER_SECOND;
  return {
    wire,
    sampleRate: G722_SAMPLE_RATE,
    decodedBy: 'native',
    duration: (payload) => payload.length * ticksPerByte,
    reachBack: () => (REACH_BACK_MS.g722 * wire.clockRate) / 1000,
    byLength: true,
    createDecoder: () => {
      const decoder = kernel.g722();
      return {
        decode: (payload, out) => decoder.decode(payload, out),
        reset: () => decoder.reset(),
        close: () => {},
      };
    },
  };
}
