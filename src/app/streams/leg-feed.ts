/**
 * What one connection sends of one leg, as packets that its call takes: cut into pieces of 20 ms, its samples in network order, numbered.
 * Placed by the server's own count where it has one, else by arrival. Keeps no audio: its room is zeroed after each message.
 */
import { AppError } from '../../core/errors.ts';
import type { StreamFormat, StreamPlace } from '../../ingest/streams/stream-dialect.ts';
import type { Untimed } from '../../media/arrival-timeline.ts';
import { codecFor } from '../../media/codecs/registry.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { AnnouncedLeg } from '../live/announced-leg.ts';

const PIECES_PER_SECOND = 50;
/** A server counts in whole milliseconds: what is this close to where the audio before it ended, follows it. */
const SNAP_SECONDS = 0.015;

type Coding = {
  readonly codec: WireCodec;
  /** Of one channel; 0: a message is one frame of the codec's own. */
  readonly sampleBytes: 0 | 1 | 2;
  readonly isLittleEndian: boolean;
  /** Ticks of a payload. */
  readonly duration: (payload: Uint8Array) => number;
};

export class LegFeed {
  readonly #leg: AnnouncedLeg;
  readonly #ssrc: number;
  readonly #untimed: Untimed;
  #coding: Coding | undefined;
  #room = Buffer.alloc(0);
  #sequence = 0;
  #next = 0;
  #lastNumber: number | undefined;

  /** @param sinceUs when it was opened, or what it follows fell silent. */
  constructor(leg: AnnouncedLeg, ssrc: number, sinceUs: number) {
    this.#leg = leg;
    this.#ssrc = ssrc;
    this.#untimed = { sinceUs, behind: 0 };
  }

  /** @throws CODEC_UNSUPPORTED */
  format(format: StreamFormat): void {
    this.#coding = codingOf(format);
  }

  /** Takes one channel of a message. @param bytes interleaved, whole samples; left as they are */
  take(bytes: Uint8Array, channel: number, channels: number, atUs: number, place: StreamPlace | undefined): void {
    const coding = this.#coding;
    if (coding === undefined) throw new AppError('STREAM_INVALID', 'audio before its format');
    const { sampleBytes, codec } = coding;
    if (sampleBytes === 0) {
      this.#hand(coding, this.#whole(bytes), bytes.length, 0, atUs, place);
      return;
    }
    const step = sampleBytes * channels;
    const samples = Math.floor(bytes.length / step);
    const isNumbered = place?.atMs !== undefined && place.sequence !== undefined;
    const most = isNumbered ? samples : Math.round(codec.clockRate / PIECES_PER_SECOND);
    for (let at = 0; at < samples; at += most) {
      const count = Math.min(most, samples - at);
      const room = this.#makeRoom(count * sampleBytes);
      const first = at * step + channel * sampleBytes;
      if (sampleBytes === 1) for (let n = 0; n < count; n++) room[n] = bytes[first + n * step]!;
      else {
        const [high, low] = coding.isLittleEndian ? [1, 0] : [0, 1];
        for (let n = 0, from = first; n < count; n++, from += step) {
          room[2 * n] = bytes[from + high]!;
          room[2 * n + 1] = bytes[from + low]!;
        }
      }
      const pieceAt =
        place?.atMs === undefined ? place : { ...place, atMs: place.atMs + (at * 1000) / codec.clockRate };
      this.#hand(coding, room, count * sampleBytes, samples - at - count, atUs, pieceAt);
    }
  }

  /** @param behind samples that came with it, behind it */
  #hand(
    { codec, duration }: Coding,
    bytes: Buffer,
    length: number,
    behind: number,
    atUs: number,
    place: StreamPlace | undefined,
  ): void {
    const media = this.#leg.media;
    media.ssrc = this.#ssrc;
    media.marker = false;
    media.queues = true;
    media.codec = codec;
    media.arrivalUs = atUs;
    media.bytes = bytes;
    media.start = 0;
    media.end = length;
    const ticks = duration(bytes.subarray(0, length));
    const number = place?.atMs === undefined ? undefined : place.sequence;
    if (place?.atMs === undefined) {
      this.#untimed.behind = behind;
      media.untimed = this.#untimed;
    } else {
      media.untimed = undefined;
      const at = Math.round((place.atMs * codec.clockRate) / 1000);
      const follows = number === undefined || this.#lastNumber === undefined || number === this.#lastNumber + 1;
      const isClose = Math.abs(at - this.#next) <= SNAP_SECONDS * codec.clockRate;
      if (!follows || !isClose) this.#next = at;
    }
    media.sequence = (number ?? this.#sequence++) & 0xffff;
    media.timestamp = this.#next >>> 0;
    this.#lastNumber = number;
    this.#next += ticks;
    try {
      this.#leg.take();
    } finally {
      bytes.fill(0, 0, length);
    }
  }

  #whole(bytes: Uint8Array): Buffer {
    const room = this.#makeRoom(bytes.length);
    room.set(bytes);
    return room;
  }

  #makeRoom(bytes: number): Buffer {
    if (this.#room.length < bytes) this.#room = Buffer.alloc(bytes);
    return this.#room;
  }
}

const codingOf = ({ encoding, sampleRate }: StreamFormat): Coding => {
  const coding = (
    name: string,
    clockRate: number,
    sampleBytes: 0 | 1 | 2,
    isLittleEndian = false,
    more = {},
  ): Coding => {
    const codec: WireCodec = { name, clockRate, channels: 1, ...more };
    const known = codecFor(codec);
    if (known !== undefined)
      return { codec, sampleBytes, isLittleEndian, duration: (payload) => known.duration(payload) };
    throw new AppError('CODEC_UNSUPPORTED', `no stream of ${name} at ${clockRate} Hz`);
  };
  switch (encoding) {
    case 'pcmu':
      return coding('PCMU', sampleRate, 1);
    case 'pcma':
      return coding('PCMA', sampleRate, 1);
    case 'l16le':
      return coding('L16', sampleRate, 2, true);
    case 'l16be':
      return coding('L16', sampleRate, 2);
    case 'g722':
      return coding('G722', 8000, 1);
    case 'opus':
      return coding('OPUS', 48_000, 0, false, { channels: 2 });
    case 'amr-wb':
      return coding('AMR-WB', 16_000, 0, false, { fmtp: 'octet-align=1' });
    default:
      return encoding satisfies never;
  }
};
