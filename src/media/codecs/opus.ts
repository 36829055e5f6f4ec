/**
 * Opus in RTP (RFC 7587): whatever was coded, the clock is 48 kHz and so is the audio given out here; stereo is folded to mono
 * by the decoder. libopus does the work, as WebAssembly. Packets it would refuse never reach it: it prints what it refuses.
 */
import { OpusDecoder } from 'opus-decoder';
import type { Codec, FrameDecoder } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { opusPacketSamples } from './opus-packet.ts';
import { opusReachBackSamples } from './opus-reach-back.ts';
import { isAudioRate } from './rates.ts';

const SAMPLE_RATE = 48_000;

/** What the WebAssembly module has room for; a longer packet would throw. */
const LONGEST_PACKET = 3840;

export function opus(wire: WireCodec): Codec | undefined {
  if (!isAudioRate(wire.clockRate) || SAMPLE_RATE % wire.clockRate !== 0) return undefined;
  const ticksPerSample = wire.clockRate / SAMPLE_RATE;
  return {
    wire,
    sampleRate: SAMPLE_RATE,
    decodedBy: 'native',
    duration: (payload) => (payload.length > LONGEST_PACKET ? 0 : opusPacketSamples(payload) * ticksPerSample),
    reachBack: (payload) => (opusReachBackSamples(payload) * wire.clockRate) / SAMPLE_RATE,
    createDecoder,
  };
}

async function createDecoder(): Promise<FrameDecoder> {
  const decoder = new OpusDecoder({ channels: 1, sampleRate: SAMPLE_RATE });
  await decoder.ready;
  let closed = false;
  return {
    decode(payload, out) {
      if (closed || payload.length > LONGEST_PACKET) return 0;
      const count = Math.min(opusPacketSamples(payload), out.length);
      if (count === 0) return 0;
      const { channelData, samplesDecoded } = decoder.decodeFrame(payload);
      const decoded = channelData[0];
      for (let i = 0; i < count; i++) out[i] = i < samplesDecoded && decoded ? toInt16(decoded[i]!) : 0;
      return count;
    },
    // Opus is made to lose packets: a decoder that still knows the last sound finds the level of the next at once, while a
    // new one takes some 100 ms of CELT to do so, and a gap ends where it should either way.
    reset() {},
    close() {
      if (!closed) decoder.free();
      closed = true;
    },
  };
}

const toInt16 = (value: number): number => {
  const scaled = Math.round(value * 32768);
  return scaled > 32767 ? 32767 : scaled < -32768 ? -32768 : scaled;
};
