/**
 * One leg of an announced call: its sockets, who is on it, whether it is heard. Hands each packet on as the call wants it, in one
 * object that is used again. It judges nothing and keeps no audio.
 *
 *     waiting ──first packet──▶ receiving ◀──packet── silent ──▶ ended
 *                                   └──no packet for legSilentSec──▲  └─ none for callIdleSec
 */
import type { MediaPacket } from '../../call/intake.ts';
import type { Leg } from '../../core/leg.ts';
import type { RtpSink } from '../../ingest/rtp/rtp-endpoint.ts';
import type { RtpPacket } from '../../media/rtp-packet.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { LegParty } from './call-lookup.ts';
import type { LegSocket } from './leg-socket.ts';

export type LegState = 'waiting' | 'receiving' | 'silent' | 'ended';

export type LegLimits = { readonly legSilentSec: number; readonly callIdleSec: number };

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
  /** When the last packet came, µs. */
  lastUs: number | undefined;
  readonly #take: (packet: MediaPacket) => void;
  readonly #onDefect: (error: unknown) => void;
  readonly #limits: LegLimits;
  readonly #media: MediaPacket;
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
    /** Told of a socket's error, and of what `take` threw. */
    onDefect: (error: unknown) => void;
  }) {
    this.leg = options.leg;
    this.channelId = options.channelId;
    this.party = options.party;
    this.#limits = options.limits;
    this.#take = options.take;
    this.#onDefect = options.onDefect;
    this.#media = {
      leg: options.leg,
      ssrc: 0,
      sequence: 0,
      timestamp: 0,
      marker: false,
      arrivalUs: 0,
      codec: undefined,
      bytes: Buffer.alloc(0),
      start: 0,
      end: 0,
    };
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

  /** Called by the sockets for each packet of the leg's source. */
  packet(packet: RtpPacket, codec: WireCodec | undefined, bytes: Buffer, atUs: number): void {
    if (this.state === 'ended') return;
    this.lastUs = atUs;
    if (this.state !== 'receiving') this.state = 'receiving';
    if (codec !== undefined) this.packets++;
    const media = this.#media;
    media.ssrc = packet.ssrc;
    media.sequence = packet.sequence;
    media.timestamp = packet.timestamp;
    media.marker = packet.marker;
    media.arrivalUs = atUs;
    media.codec = codec;
    if (this.dropping && codec !== undefined && codec.name !== 'TELEPHONE-EVENT') {
      media.codec = undefined;
      this.lost++;
    }
    media.bytes = bytes;
    media.start = packet.payloadStart;
    media.end = packet.payloadEnd;
    this.#take(media);
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
      if (quietUs >= this.#limits.callIdleSec * 1e6) void this.close();
      else if (quietUs >= this.#limits.legSilentSec * 1e6) this.#silent();
    }
    if (this.state === this.#told || this.state === 'waiting') return undefined;
    this.#told = this.state;
    return this.state;
  }

  /** Takes nothing more, and gives its ports back. Idempotent. */
  async close(): Promise<void> {
    this.state = 'ended';
    await this.#socket?.close();
  }

  #silent(): void {
    if (this.state === 'silent') return;
    this.state = 'silent';
    // Its source may have moved meanwhile: whoever sends first now is it.
    this.#socket?.relatch();
  }
}
