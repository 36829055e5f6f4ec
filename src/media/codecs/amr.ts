/**
 * AMR and AMR-WB (RFC 4867): 20 ms frames, listed in a table of contents before the speech; bandwidth-efficient unless the
 * format parameters say octet-aligned. A payload too short for the frames it lists can't be told.
 *
 *     bandwidth-efficient: | CMR 4 | F FT Q, 6 bits, … | speech bits … |     octet-aligned: each part in whole bytes
 */
import type { Codec } from '../codec.ts';
import type { WireCodec } from '../wire-codec.ts';
import { bitsAt } from './bits.ts';
import { formatParameter } from './fmtp.ts';
import { foreign } from './foreign.ts';
import { REACH_BACK_MS } from './reach-back.ts';

/** Speech bits by frame type (3GPP TS 26.101, TS 26.201); undefined for types that are reserved. */
const AMR_BITS = [95, 103, 118, 134, 148, 159, 204, 244, 39, 43, 38, 37, undefined, undefined, undefined, 0] as const;
const AMR_WB_BITS = [
  ...([132, 177, 253, 285, 317, 365, 397, 461, 477, 40] as const),
  ...([undefined, undefined, undefined, undefined, 0, 0] as const),
];

const FRAME_MS = 20;
/** What a payload is taken to have that can't be told. */
const UNTOLD_BLOCKS = 12;

type SpeechBits = readonly (number | undefined)[];

export const amr = (wire: WireCodec): Codec => adaptiveMultiRate(wire, 8000, AMR_BITS, REACH_BACK_MS.amr);
export const amrWideband = (wire: WireCodec): Codec =>
  adaptiveMultiRate(wire, 16_000, AMR_WB_BITS, REACH_BACK_MS.amrWideband);

function adaptiveMultiRate(wire: WireCodec, sampleRate: number, speechBits: SpeechBits, reachBackMs: number): Codec {
  const group = formatParameter(wire, 'interleaving');
  const interleaved = group !== undefined;
  const checked = formatParameter(wire, 'crc') === '1';
  const sorted = formatParameter(wire, 'robust-sorting') === '1';
  // §8: each of the three implies octet alignment.
  const aligned = formatParameter(wire, 'octet-align') === '1' || interleaved || checked || sorted;
  const channels = Math.max(1, wire.channels);
  const frameSamples = sampleRate / 50;
  const blocks = (payload: Uint8Array): number => {
    const frames = aligned
      ? alignedFrames(payload, speechBits, interleaved ? 2 : 1, checked ? 1 : 0)
      : packedFrames(payload, speechBits);
    return Math.floor(frames / channels);
  };
  // §4.4.1: of a group, a payload has every (ILL + 1)-th frame; both sides have agreed on the group's length, if they keep to it.
  const agreed = Number(group) || 0;
  const groupFrames = (payload: Uint8Array): number =>
    Math.max(agreed, (((payload[1] ?? 0xff) >> 4) + 1) * (blocks(payload) || UNTOLD_BLOCKS));
  return foreign(
    wire,
    sampleRate,
    interleaved ? (payload) => reachBackMs + FRAME_MS * groupFrames(payload) : reachBackMs,
    (payload) => blocks(payload) * frameSamples,
  );
}

/** §4.4: @param at where the table of contents begins. @param checkBytes per frame that has speech. */
function alignedFrames(payload: Uint8Array, speechBits: SpeechBits, at: number, checkBytes: number): number {
  let bytes = at;
  for (let frames = 1; at < payload.length; at++, frames++) {
    const entry = payload[at]!;
    const bits = speechBits[(entry >> 3) & 15];
    if (bits === undefined) return 0;
    bytes += 1 + Math.ceil(bits / 8) + (bits > 0 ? checkBytes : 0);
    if (entry < 0x80) return bytes <= payload.length ? frames : 0;
  }
  return 0;
}

/** §4.3. */
function packedFrames(payload: Uint8Array, speechBits: SpeechBits): number {
  const length = 8 * payload.length;
  let total = 4;
  for (let at = 4, frames = 1; at + 6 <= length; at += 6, frames++) {
    const entry = bitsAt(payload, at, 6);
    const bits = speechBits[(entry >> 1) & 15];
    if (bits === undefined) return 0;
    total += 6 + bits;
    if (entry < 0x20) return total <= length ? frames : 0;
  }
  return 0;
}
