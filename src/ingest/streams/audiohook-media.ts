/** Which of the media that an AudioHook client offers are taken: both channels before one, in the order of the offer. Pure. */
import type { Leg } from '../../core/leg.ts';
import { invalid } from './audiohook-message.ts';
import { isObject } from './json-message.ts';
import type { StreamEncoding, StreamFormat } from './stream-dialect.ts';

export type AudiohookMedia = {
  /** As it was offered, for the answer. */
  readonly offered: object;
  readonly format: StreamFormat;
  /** In the order in which they are interleaved: the external party is leg a, the agent's side leg b. */
  readonly tracks: readonly Leg[];
};

const MOST_OFFERS = 64;
/** L16 is little-endian here. */
const ENCODINGS: ReadonlyMap<unknown, StreamEncoding> = new Map([
  ['PCMU', 'pcmu'],
  ['L16', 'l16le'],
]);
const LEGS: ReadonlyMap<unknown, Leg> = new Map([
  ['external', 'a'],
  ['internal', 'b'],
]);
/** The protocol has 8000 alone so far. */
const RATES = [8000, 16_000];

/** @throws AppError STREAM_INVALID when nothing that is offered can be taken */
export const chosenMedia = (offers: unknown): AudiohookMedia => {
  const known = (Array.isArray(offers) ? offers.slice(0, MOST_OFFERS) : []).flatMap(mediaOf);
  const chosen = known.find(({ tracks }) => tracks.length === 2) ?? known[0];
  if (chosen === undefined) throw invalid('no media among those offered that are taken here');
  return chosen;
};

const mediaOf = (offer: unknown): AudiohookMedia[] => {
  if (!isObject(offer) || offer.type !== 'audio') return [];
  const { format: name, rate, channels } = offer;
  const encoding = ENCODINGS.get(name);
  if (encoding === undefined || typeof rate !== 'number' || !RATES.includes(rate) || !Array.isArray(channels))
    return [];
  if (encoding === 'pcmu' && rate !== 8000) return [];
  const tracks = channels.slice(0, 3).flatMap((channel) => LEGS.get(channel) ?? []);
  if (tracks.length !== channels.length || new Set(tracks).size !== tracks.length || tracks.length === 0) return [];
  return [
    {
      offered: { type: 'audio', format: name, channels, rate },
      format: { encoding, sampleRate: rate, channels: tracks.length === 2 ? 2 : 1 },
      tracks,
    },
  ];
};
