/**
 * What a payload type stands for where no SDP says so: by the static table of RFC 3551, and where that is silent or belied by
 * the packets, by how they behave. Pure; says `unknown` rather than record noise.
 */
import { STATIC_PAYLOAD_TYPES, STATIC_VIDEO, type WireCodec } from '../../media/wire-codec.ts';
import type { PayloadProfile } from './payload-profile.ts';

export type Guess =
  | { readonly kind: 'codec'; readonly codec: WireCodec }
  | { readonly kind: 'srtp' }
  | { readonly kind: 'video'; readonly name: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** So many of the steps must agree, for a few packets around a pause or a jump never do. */
const MOST_STEPS = 0.8;
const LEAST_STEPS = 3;
/** Authentication tags of SRTP (RFC 3711, RFC 7714), bare and with a four-byte key identifier. */
const SRTP_TAGS = [4, 8, 10, 14, 16] as const;
const RATES = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000] as const;
/** Natural logarithm of how far a measured rate may be from a real one: a third. */
const FAR_OFF = 0.3;
const VIDEO_RATE = 90_000;
/** Comfort noise is a level and a few coefficients (RFC 3389 §3). */
const LONGEST_NOISE = 32;

const NO_SDP =
  'no SDP in the capture says what it is; capture the signalling too, or have the server send PCMU, PCMA or L16';

const known = (codec: WireCodec): Guess => ({ kind: 'codec', codec });
const unknown = (why: string): Guess => ({ kind: 'unknown', why });

export const guessCodec = (profile: PayloadProfile): Guess => {
  const { payloadType } = profile;
  const video = STATIC_VIDEO.get(payloadType);
  if (video !== undefined) return { kind: 'video', name: video };
  const codec = isHabit(payloadType) ? undefined : STATIC_PAYLOAD_TYPES.get(payloadType);
  if (codec === undefined) return byBehaviour(profile);
  if (isEncrypted(profile, codec)) return { kind: 'srtp' };
  if (profile.measured > 8 && !profile.moves && codec.name !== 'CN') return unknown('its timestamps never move');
  return known(correctLinear(profile, codec));
};

/** Payload types that mean something by habit only: they are believed when the packets look like it. */
const isHabit = (payloadType: number): boolean => payloadType === 19 || payloadType >= 96;

/** Whether packets of a codec with a fixed rate are all longer than their time by the same few bytes, as SRTP makes them. */
export const isEncrypted = (profile: PayloadProfile, codec: WireCodec): boolean =>
  bytesPerTickOf(codec).some((bytesPerTick) => isTagged(profile, bytesPerTick));

/**
 * The codec itself, or what the packets show where they belie L16 at 44.1 kHz, which a static payload type claims: Asterisk
 * sends `slin`, 8 kHz mono, as payload type 10.
 */
export const correctLinear = (profile: PayloadProfile, codec: WireCodec): WireCodec =>
  codec.name === 'L16' && codec.clockRate === 44_100 && profile.payloadType < 12 ? (linear(profile) ?? codec) : codec;

const byBehaviour = (profile: PayloadProfile): Guess => {
  const { payloadType, measured, steps } = profile;
  if (measured > 0 && profile.events === measured && (payloadType === 101 || profile.eventsHeld > 0)) {
    return known({ name: 'TELEPHONE-EVENT', clockRate: 8000, channels: 1 });
  }
  if (payloadType === 19 && profile.maxBytes <= LONGEST_NOISE) return known(STATIC_PAYLOAD_TYPES.get(19)!);
  if (isVideo(profile)) return { kind: 'video', name: `payload type ${payloadType}` };
  if (steps < LEAST_STEPS) return unknown(NO_SDP);
  const codec = linear(profile);
  if (codec !== undefined) return known(codec);
  if (isOpus(profile)) return known({ name: 'OPUS', clockRate: 48_000, channels: 2 });
  if (isTagged(profile, 1) || isTagged(profile, 2)) return { kind: 'srtp' };
  const law = profile.shareOf(1) >= MOST_STEPS && clockRateOf(profile) === 8000 ? profile.law : undefined;
  return law === undefined ? unknown(NO_SDP) : known({ name: law, clockRate: 8000, channels: 1 });
};

const isOpus = ({ opusSteps, otherSteps }: PayloadProfile): boolean =>
  opusSteps >= LEAST_STEPS && opusSteps >= (opusSteps + otherSteps) * MOST_STEPS;

/** L16 is the only codec in use with two bytes per tick, or four when stereo. */
const linear = (profile: PayloadProfile): WireCodec | undefined => {
  if (profile.steps < LEAST_STEPS) return undefined;
  const channels = profile.shareOf(2) >= MOST_STEPS ? 1 : profile.shareOf(4) >= MOST_STEPS ? 2 : 0;
  return channels === 0 ? undefined : { name: 'L16', clockRate: clockRateOf(profile), channels };
};

const isVideo = (profile: PayloadProfile): boolean => {
  if (profile.stillLarge >= LEAST_STEPS && profile.stillLarge >= profile.measured / 4) return true;
  const rate = profile.measuredRate ?? 0;
  const atVideoRate = Math.abs(rate - VIDEO_RATE) < VIDEO_RATE / 20;
  return profile.steps >= LEAST_STEPS && atVideoRate && profile.usualStep >= VIDEO_RATE / 120;
};

const isTagged = (profile: PayloadProfile, bytesPerTick: number): boolean =>
  profile.steps >= LEAST_STEPS && SRTP_TAGS.some((tag) => profile.shareOf(bytesPerTick, tag) >= MOST_STEPS);

/** Empty for codecs whose packets vary in size. L16 may be mono or stereo, whatever its static payload type says. */
const bytesPerTickOf = ({ name }: WireCodec): readonly number[] => {
  switch (name) {
    case 'PCMU':
    case 'PCMA':
    case 'G722':
      return [1];
    case 'L16':
      return [2, 4];
    case 'G729':
      return [1 / 8];
    case 'GSM':
      return [33 / 160];
    default:
      return [];
  }
};

/** The rate nearest to what was measured; among near ones, the one that makes packets of a usual length. */
const clockRateOf = ({ measuredRate, usualStep }: PayloadProfile): number => {
  const nearest = nearestRate(usualStep, (rate) => Math.abs(Math.log((measuredRate ?? 0) / rate)));
  if (nearest.off < FAR_OFF) return nearest.rate;
  // The capture's clock is of no use (one time for all packets, a replay at another speed): 20 ms is by far the most usual.
  return nearestRate(usualStep, (rate) => Math.abs(Math.log((usualStep * 50) / rate))).rate;
};

const nearestRate = (
  step: number,
  offOf: (rate: number) => number,
): { readonly rate: number; readonly off: number } => {
  let best = { rate: 0, off: Number.POSITIVE_INFINITY };
  for (const rate of RATES) {
    const packetMs = (step * 1000) / rate;
    const uneven = Math.abs(packetMs - Math.round(packetMs / 2.5) * 2.5) > 0.1 ? 0.05 : 0;
    const off = offOf(rate) + uneven;
    if (best.rate === 0 || off < best.off) best = { rate, off };
  }
  return best;
};
