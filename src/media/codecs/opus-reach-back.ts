/**
 * How much audio from before an Opus packet is in it: what it is coded out of, the frame before again where the packet says so or
 * may say so (in-band FEC, RFC 6716 §4.2.4, §4.2.5), and whatever its padding holds. Counts samples at 48 kHz. Pure;
 * allocates nothing.
 */
import { frameSamples, opusPacketSamples } from './opus-packet.ts';

/** CELT looks 6.5 ms ahead. Its pitch filter may look up to 21 ms back (§4.3.7.1), at no more than one period of a voice. */
const LOOK_AHEAD = 312;
/** SILK predicts from up to 18 ms before as well (§4.2.7.6.1): 20 ms, for a mask takes at most one frame more. */
const PREDICTED = 960;
/**
 * Padding may be an extension, and an extension deep redundancy, of which libopus since 1.5 writes 1.04 s
 * (draft-ietf-mlcodec-opus-dred): 1.25 s. Also for what no decoder takes, for it may be anything.
 */
const REDUNDANT = 60_000;

/** From this configuration on there is no SILK layer. */
const FIRST_CELT = 16;

/** Samples at 48 kHz. */
export function opusReachBackSamples(packet: Uint8Array): number {
  if (opusPacketSamples(packet) === 0 || hasExtension(packet)) return REDUNDANT;
  const config = packet[0]! >> 3;
  if (config >= FIRST_CELT) return LOOK_AHEAD;
  return PREDICTED + (mayRepeat(packet) ? frameSamples(config) : 0);
}

/** Whether a well-formed packet has padding other than zeros. Only frame-count code 3 has any (§3.2.5). */
function hasExtension(packet: Uint8Array): boolean {
  if ((packet[0]! & 3) !== 3 || (packet[1]! & 0x40) === 0) return false;
  let padding = 0;
  for (let at = 2; ; at++) {
    const more = packet[at] === 255;
    padding += more ? 254 : packet[at]!;
    if (!more) break;
  }
  for (let at = packet.length - padding; at < packet.length; at++) if (packet[at] !== 0) return true;
  return false;
}

/** Of a packet with a SILK layer. A repeated frame is as long as the packet's own: the flags are in the head of its first frame. */
function mayRepeat(packet: Uint8Array): boolean {
  const toc = packet[0]!;
  const first = packet[1];
  if (first === undefined) return false;
  // Codes 2 and 3 have lengths before the first frame: taken to repeat.
  if ((toc & 3) >= 2) return true;
  // VAD flags of each 20 ms, then the LBRR flag; once more for the side channel.
  const parts = Math.max(1, frameSamples(toc >> 3) / 960);
  const mid = (first >> (7 - parts)) & 1;
  const side = (toc & 4) !== 0 ? (first >> (6 - 2 * parts)) & 1 : 0;
  return (mid | side) === 1;
}
