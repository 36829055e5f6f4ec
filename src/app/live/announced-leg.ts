/**
 * One leg of an announced call: its sockets, who is on it, whether it is heard. Hands each packet on as the call wants it, in one
 * object that is used again. It judges nothing and keeps no audio.
 *
 *     waiting ──first packet──▶ receiving ◀──packet── silent ──▶ ended
 *                                   └──no packet for legSilentSec──▲  └─ none for callIdleSec
 */
import { blankPacket, type MediaPacket } from '../../call/intake.ts';
import { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import type { RtpSink } from '../../ingest/rtp/rtp-endpoint.ts';
import type { RtpPacket } from '../../media/rtp-packet.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { LegParty } from './call-lookup.ts';
import type { LegSocket } from './leg-socket.ts';

export type LegState = 'waiting' | 'receiving' | 'silent' | 'ended';

/** A stream that is one of the leg's sources, and keeps it open while it says nothing. */
export type LegSource = {
  /** Whether it has been heard of lately; one that has not makes room for another. */
  isAlive(nowUs: number): boolean;
  /** Whether no audio from it is silence, and not a loss. */
  readonly sendsNoSilence: boolean;
  /** Whether another thread reads it: what its loop did meanwhile counts as well. */
  readonly isReadElsewhere: boolean;
  /** Another has taken its place. */
  displaced(): void;
  /** The call is over. */
  callEnded(reason: 'hangup' | 'idle' | 'shutdown'): void;
};

export type LegLimits = { readonly legSilentSec: number; readonly callIdleSec: number };

/** One for all legs: a packet is taken before the next is read, and what every packet touches stays in the processor's cache. */
const media = blankPacket('a');

export class AnnouncedLeg implements RtpSink {
  readonly leg: Leg;
  /** Kazoo's channel. */
  readonly channelId: string;
  readonly party: LegParty;
  state: LegState = 'waiting';
  /** Media is counted and not kept, because the disk doesn't keep up; digits still count. */
  dropping = false;
  /** Packets handed on whose codec is known; packets of audio that were dropped for the disk's sake. */
  packets = 0;
  lost = 0;
  /** When the last packet came, µs; apart from whether one has, for a number that may also be none is allocated anew each time. */
  #lastUs = Number.NEGATIVE_INFINITY;
  readonly #take: (packet: MediaPacket) => void;
  readonly #onSource: () => void;
  readonly #onDefect: (error: unknown) => void;
  readonly #limits: LegLimits;
  /** Once something came by a path that queues, it counts as one. */
  #queues = false;
  #source: LegSource | undefined;
  #socket: LegSocket | undefined;
  #told: LegState = 'waiting';
  #isFaulty = false;

  constructor(options: {
    leg: Leg;
    channelId: string;
    party: LegParty;
    limits: LegLimits;
    /** The call's: it copies what it keeps. */
    take: (packet: MediaPacket) => void;
    /** Told when `source` is another. */
    onSource?: () => void;
    /** Told of a socket's error, and of what `take` threw. */
    onDefect: (error: unknown) => void;
  }) {
    this.leg = options.leg;
    this.channelId = options.channelId;
    this.party = options.party;
    this.#limits = options.limits;
    this.#take = options.take;
    this.#onSource = options.onSource ?? (() => {});
    this.#onDefect = options.onDefect;
  }

  get socket(): LegSocket | undefined {
    return this.#socket;
  }

  /** What came and was not taken: another source, no RTP, a payload type nobody knows; or dropped for the disk's sake. */
  get dropped(): number {
    const { refusedSource = 0, notRtp = 0, unknownPayload = 0 } = this.#socket?.counts ?? {};
    return refusedSource + notRtp + unknownPayload + this.lost;
  }

  open(socket: LegSocket): void {
    this.#socket = socket;
  }

  /** When the last packet came, µs. */
  get lastUs(): number | undefined {
    return this.#lastUs === Number.NEGATIVE_INFINITY ? undefined : this.#lastUs;
  }

  /** Filled anew for each packet, all of it, by whoever calls `take` at once. */
  get media(): MediaPacket {
    media.leg = this.leg;
    return media;
  }

  /** Called by the sockets for each packet of the leg's source. */
  packet(packet: RtpPacket, codec: WireCodec | undefined, bytes: Uint8Array, atUs: number): void {
    media.leg = this.leg;
    media.queues = this.#queues;
    media.ssrc = packet.ssrc;
    media.sequence = packet.sequence;
    media.timestamp = packet.timestamp;
    media.marker = packet.marker;
    media.arrivalUs = atUs;
    media.codec = codec;
    media.bytes = bytes;
    media.start = packet.payloadStart;
    media.end = packet.payloadEnd;
    media.untimed = undefined;
    this.take();
  }

  /** Hands `media` on. */
  take(): void {
    if (this.state === 'ended') return;
    this.#queues = media.queues === true;
    this.#lastUs = media.arrivalUs;
    if (this.state !== 'receiving') this.state = 'receiving';
    if (media.codec !== undefined) this.packets++;
    if (this.dropping && media.codec !== undefined && media.codec.name !== 'TELEPHONE-EVENT') {
      media.codec = undefined;
      this.lost++;
    }
    this.#take(media);
  }

  get source(): LegSource | undefined {
    return this.#source;
  }

  /** Makes a stream the leg's source. @throws CONFLICT where the leg has ended, or another is heard there */
  attach(source: LegSource, nowUs: number): void {
    if (this.state === 'ended') throw new AppError('CONFLICT', `leg ${this.leg} has ended`);
    const before = this.#source;
    if (before === source) return;
    if (before === undefined ? this.state === 'receiving' && this.#socket !== undefined : before.isAlive(nowUs))
      throw new AppError('CONFLICT', `leg ${this.leg} has a source already`);
    this.#hear(source);
    before?.displaced();
  }

  /** The stream is gone; another may come. */
  detach(source: LegSource): void {
    if (this.#source !== source) return;
    this.#hear(undefined);
    if (this.state === 'receiving') this.state = 'silent';
  }

  /** Told once: what fails for one packet may fail for each. */
  fault(error: unknown): void {
    if (this.#isFaulty) return;
    this.#isFaulty = true;
    this.#onDefect(error);
  }

  /** Lets time pass. @returns the state to tell of, when it is another than was told last. */
  look(nowUs: number): Exclude<LegState, 'waiting'> | undefined {
    if (this.lastUs !== undefined && this.state !== 'ended') {
      const quietUs = nowUs - this.lastUs;
      if (quietUs >= this.#limits.callIdleSec * 1e6 && this.#source === undefined) void this.close();
      else if (quietUs >= this.#limits.legSilentSec * 1e6) this.#silent();
    }
    if (this.state === this.#told || this.state === 'waiting') return undefined;
    this.#told = this.state;
    return this.state;
  }

  /** Takes nothing more, and gives its ports back. Idempotent. */
  async close(reason: Parameters<LegSource['callEnded']>[0] = 'idle'): Promise<void> {
    this.state = 'ended';
    const source = this.#source;
    this.#hear(undefined);
    source?.callEnded(reason);
    await this.#socket?.close();
  }

  #hear(source: LegSource | undefined): void {
    this.#source = source;
    this.#onSource();
  }

  #silent(): void {
    if (this.state === 'silent') return;
    this.state = 'silent';
    // Its source may have moved meanwhile: whoever sends first now is it.
    this.#socket?.relatch();
  }
}
