/**
 * Payloads that are no audio: telephone events, which are card data and never become sound (RFC 4733), and comfort noise
 * (RFC 3389), in whose place a recording has silence.
 */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';

export const soundless = (wire: WireCodec): Codec => ({
  wire,
  sampleRate: wire.clockRate,
  decodedBy: 'none',
  duration: () => 0,
});
