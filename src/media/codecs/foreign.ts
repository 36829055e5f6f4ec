/** What every codec has that only the ffmpeg on the machine decodes: a rate, and a rule for how long a payload plays. */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';

/**
 * @param sampleRate of the audio in Hz, and of the RTP clock where the sender keeps to the payload format.
 * @param samples in a payload at that rate; 0 when they can't be told. Allocates nothing.
 */
export const foreign = (wire: WireCodec, sampleRate: number, samples: (payload: Uint8Array) => number): Codec => ({
  wire,
  sampleRate,
  decodedBy: 'ffmpeg',
  // The look-ahead of G.729 and AMR, the most of them: 5 ms.
  reachBack: () => Math.ceil(wire.clockRate / 200),
  duration:
    wire.clockRate === sampleRate ? samples : (payload) => Math.round((samples(payload) * wire.clockRate) / sampleRate),
});
