/** Which leg each piece of a stream is, and the way there: by track, by what was asked for, or one channel to each. Keeps no audio. */
import { AppError } from '../../core/errors.ts';
import { LEGS, type Leg } from '../../core/leg.ts';
import type { StreamFormat, StreamPlace, StreamTrack } from '../../ingest/streams/stream-dialect.ts';
import type { AnnouncedCall } from '../live/announced-call.ts';
import type { LegSource } from '../live/announced-leg.ts';
import { LegFeed } from './leg-feed.ts';

export type StreamLegsOptions = {
  readonly call: AnnouncedCall;
  /** What the legs know the stream as. */
  readonly source: LegSource;
  /** The leg that was asked for. */
  readonly claimed: Leg | undefined;
  /** Those that the server said would come. */
  readonly tracks: readonly StreamTrack[];
  readonly format: StreamFormat | undefined;
  readonly openedUs: number;
  readonly newSsrc: () => number;
};

export class StreamLegs {
  /** Of audio, so far. */
  audioBytes = 0;
  readonly #options: StreamLegsOptions;
  readonly #feeds = new Map<Leg, LegFeed>();
  #format: StreamFormat | undefined;
  /** Where the server's count begins on the clock, by the quickest message so far. */
  #originUs = Number.POSITIVE_INFINITY;
  /** Of its count: where the audio ends that came last, and the furthest. */
  #spokenMs = 0;
  #reachedMs = Number.NEGATIVE_INFINITY;

  /** Takes the legs that are to be expected. @throws CONFLICT where one is another's */
  constructor(options: StreamLegsOptions, nowUs: number) {
    this.#options = options;
    this.#format = options.format;
    try {
      for (const leg of this.#expected()) this.#feedOf(leg, nowUs);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  get all(): readonly Leg[] {
    return LEGS.filter((leg) => this.#feeds.has(leg));
  }

  get hasTimes(): boolean {
    return Number.isFinite(this.#originUs);
  }

  /** @throws CODEC_UNSUPPORTED */
  format(format: StreamFormat): void {
    this.#format = format;
    for (const feed of this.#feeds.values()) feed.format(format);
  }

  /** @param bytes zeroed behind it */
  take(track: StreamTrack, bytes: Uint8Array, place: StreamPlace | undefined, atUs: number): void {
    try {
      const format = this.#format;
      if (format === undefined) throw new AppError('STREAM_INVALID', 'audio before its format');
      this.audioBytes += bytes.length;
      const isSplit = track === 'both' && format.channels === 2;
      if (isSplit)
        for (const [channel, leg] of this.#channels().entries())
          this.#feedOf(leg, atUs).take(bytes, channel, 2, atUs, place);
      else this.#feedOf(this.of(track), atUs).take(bytes, 0, 1, atUs, place);
      if (place?.atMs === undefined) return;
      const endMs = place.atMs + lengthMs(format, isSplit ? bytes.length / 2 : bytes.length);
      this.#originUs = Math.min(this.#originUs, atUs - endMs * 1000);
      // Out of order, it may have been the last of them before the key.
      this.#spokenMs = place.atMs < this.#reachedMs ? place.atMs : endMs;
      this.#reachedMs = Math.max(this.#reachedMs, endMs);
    } finally {
      bytes.fill(0);
    }
  }

  /** An instant of the server's count on the clock; undefined while it isn't known. */
  clockOf(atMs: number): number | undefined {
    return this.hasTimes ? this.#originUs + atMs * 1000 : undefined;
  }

  /** When its last audio was said, by its own count: a key that comes behind it was pressed then. Its path may have stood still since. */
  get spokenUs(): number {
    return this.#originUs + this.#spokenMs * 1000;
  }

  of(track: StreamTrack): Leg {
    const { claimed, tracks } = this.#options;
    if (track === 'both') return claimed ?? 'a';
    // One that has a single track is whose it was said to be.
    return tracks.length === 1 ? (claimed ?? track) : track;
  }

  release(): void {
    for (const leg of LEGS) this.#options.call.legs[leg].detach(this.#options.source);
  }

  #feedOf(leg: Leg, nowUs: number): LegFeed {
    let feed = this.#feeds.get(leg);
    if (feed === undefined) {
      const { call, source, openedUs, newSsrc } = this.#options;
      const announced = call.legs[leg];
      announced.attach(source, nowUs);
      feed = new LegFeed(announced, newSsrc(), Math.min(openedUs, announced.lastUs ?? openedUs));
      this.#feeds.set(leg, feed);
      if (this.#format !== undefined) feed.format(this.#format);
    }
    return feed;
  }

  /** Of interleaved samples, in their order. */
  #channels(): readonly Leg[] {
    return this.#options.tracks[0] === 'b' ? ['b', 'a'] : LEGS;
  }

  #expected(): readonly Leg[] {
    const { tracks } = this.#options;
    if (tracks.length > 0 && !tracks.includes('both')) return tracks.map((track) => this.of(track));
    return this.#format?.channels === 2 ? LEGS : [this.of('both')];
  }
}

/** @param bytes of one channel */
const lengthMs = ({ encoding, sampleRate }: StreamFormat, bytes: number): number => {
  switch (encoding) {
    case 'l16le':
    case 'l16be':
      return (bytes * 500) / sampleRate;
    case 'pcmu':
    case 'pcma':
      return (bytes * 1000) / sampleRate;
    case 'g722':
      return bytes / 8;
    case 'opus':
    case 'amr-wb':
      return 20;
    default:
      return encoding satisfies never;
  }
};
