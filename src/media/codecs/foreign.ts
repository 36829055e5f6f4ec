/** What every codec has that only the ffmpeg on the machine decodes: a rate, and rules for how long a payload plays and reaches back. */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';

/**
 * @param sampleRate of the audio in Hz, and of the RTP clock where the sender keeps to the payload format.
 * @param reachBackMs what a payload holds from before its time, in ms (`REACH_BACK_MS`). Allocates nothing.
 * @param samples in a payload at that rate; 0 when they can't be told. Allocates nothing.
 */
export function foreign(
  wire: WireCodec,
  sampleRate: number,
  reachBackMs: number | ((payload: Uint8Array) => number),
  samples: (payload: Uint8Array) => number,
): Codec {
  const { clockRate } = wire;
  return {
    wire,
    sampleRate,
    decodedBy: 'ffmpeg',
    reachBack: (payload) =>
      Math.ceil(((typeof reachBackMs === 'number' ? reachBackMs : reachBackMs(payload)) * clockRate) / 1000),
    duration: clockRate === sampleRate ? samples : (payload) => Math.round((samples(payload) * clockRate) / sampleRate),
  };
}

/** One whose payloads play as long as their length says. @param samples in so many bytes; 0 when they can't be told */
export const foreignByLength = (
  wire: WireCodec,
  sampleRate: number,
  reachBackMs: number,
  samples: (bytes: number) => number,
): Codec => ({ ...foreign(wire, sampleRate, reachBackMs, ({ length }) => samples(length)), byLength: true });
