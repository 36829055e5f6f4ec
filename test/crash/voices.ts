/**
 * What legs say, coded: a tone of their own, or the secret, which has a tone that nobody else has and a mark in its bytes. One voice for each
 * codec, made once; frames by their number, all of them different from those of another codec. Pure.
 */
import { decodeAlaw, encodeAlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { G722Encoder } from '../support/g722-encoder.ts';
import { asSamples, CARD_DIGITS, FRAME_MS, SECRET } from '../support/live-call.ts';
import { tone } from '../support/tones.ts';

export type VoiceCodec = {
  readonly name: string;
  readonly payloadType: number;
  /** For the announcement, where the number alone does not say it. */
  readonly rtpmap?: string;
  /** RTP ticks of a frame. */
  readonly ticks: number;
  /** So many frames until it begins again. */
  readonly frames: number;
  readonly encode: (hz: number) => Uint8Array;
};

/** Every tone here is a multiple of 10 Hz. */
const PERIOD_FRAMES = 100 / FRAME_MS;
/** An encoder with a memory begins again with a click: rarely. */
const LONG_FRAMES = 3000 / FRAME_MS;

const companded = (encode: (pcm: Int16Array, bytes: Uint8Array) => void) => (hz: number) => {
  const pcm = tone(hz, PERIOD_FRAMES * FRAME_MS, 8000);
  const bytes = new Uint8Array(pcm.length);
  encode(pcm, bytes);
  return bytes;
};

const bigEndian = (pcm: Int16Array): Uint8Array => Buffer.from(pcm.slice().buffer).swap16();

export const VOICE_CODECS: readonly VoiceCodec[] = [
  { name: 'PCMU', payloadType: 0, ticks: 160, frames: PERIOD_FRAMES, encode: companded(encodeUlaw) },
  { name: 'PCMA', payloadType: 8, ticks: 160, frames: PERIOD_FRAMES, encode: companded(encodeAlaw) },
  {
    name: 'G722',
    payloadType: 9,
    ticks: 160,
    frames: LONG_FRAMES,
    encode: (hz) => new G722Encoder().encode(tone(hz, LONG_FRAMES * FRAME_MS, 16_000)),
  },
  {
    name: 'L16',
    payloadType: 96,
    rtpmap: 'L16/8000',
    ticks: 160,
    frames: PERIOD_FRAMES,
    encode: (hz) => bigEndian(tone(hz, PERIOD_FRAMES * FRAME_MS, 8000)),
  },
];

const coded = new Map<string, Uint8Array>();

const codedTone = (codec: VoiceCodec, hz: number): Uint8Array => {
  const key = `${codec.name} ${hz}`;
  const known = coded.get(key) ?? codec.encode(hz);
  coded.set(key, known);
  return known;
};

const MARK_AT = 64;

/** A frame of the tone. @param mark bytes that no tone makes are put into it. */
export const payloadOf = (codec: VoiceCodec, hz: number, frame: number, mark?: Buffer): Buffer => {
  const bytes = codedTone(codec, hz);
  const length = bytes.length / codec.frames;
  const from = (frame % codec.frames) * length;
  const payload = Buffer.from(bytes.subarray(from, from + length));
  mark?.copy(payload, MARK_AT);
  return payload;
};

const alawSamples = (): Buffer => {
  const pcm = new Int16Array(SECRET.length);
  decodeAlaw(SECRET, pcm);
  return Buffer.from(pcm.buffer);
};

/** What may be in no file: the mark as it is on the wire, and as samples of each codec that keeps them; what was typed. */
export const NEEDLES: readonly Buffer[] = [
  SECRET,
  asSamples(SECRET),
  alawSamples(),
  Buffer.from(SECRET).swap16(),
  Buffer.from(CARD_DIGITS),
];
