/**
 * The first of two passes over a capture: finds out which packets are RTP, by behaviour rather than by port, in which codec, and
 * whose leg of which call. Pure: no file, no clock; memory is bounded by the number of streams, not by their length.
 */
import { RtpPacket } from '../../media/rtp-packet.ts';
import type { Datagram } from '../datagram.ts';
import type { CapturePlan, LeftOut } from '../plan.ts';
import { SipDialogs } from '../sip/dialogs.ts';
import { CodecInterner } from './codec-table.ts';
import { FingerprintBudget } from './fingerprints.ts';
import type { Flow } from './flow.ts';
import { FlowTable } from './flow-table.ts';
import { joinHops } from './hops.ts';
import { faxes, silentCalls, tooFew } from './leftovers.ts';
import { pairAlone } from './pairing.ts';
import { pathCalls } from './path-calls.ts';
import { type Piece, piecesOf } from './piece.ts';
import { planCalls } from './planned-call.ts';
import { signalledCalls } from './signalled-calls.ts';
import { Signalling } from './signalling.ts';
import type { Heard } from './strand.ts';
import { Track } from './track.ts';
import { isUdptl } from './udptl.ts';
import { judge } from './verdict.ts';

/** Streams that are followed; a capture with more is recorded for its first ones. */
const MOST_STREAMS = 1 << 16;

const RTP_VERSION = 2;
const PADDING_FLAG = 0x20;

export type SurveyLimits = { readonly streams?: number; readonly unprovenFlows?: number };

export class Survey {
  readonly #dialogs = new SipDialogs();
  readonly #flows: FlowTable;
  readonly #mostStreams: number;
  readonly #budget = new FingerprintBudget();
  readonly #rtp = new RtpPacket();
  #signalling: Signalling | undefined;
  #signalledUs = Number.NEGATIVE_INFINITY;
  #packets = 0;
  #tracks = 0;
  #streams = 0;
  #beyond = 0;
  #cut = 0;

  constructor({ streams = MOST_STREAMS, unprovenFlows }: SurveyLimits = {}) {
    this.#mostStreams = streams;
    this.#flows = new FlowTable((path) => this.#signallingSoFar().names(path), unprovenFlows);
  }

  /** Paths that are kept in memory without having proved to carry media: bounded. */
  get unproven(): number {
    return this.#flows.unproven;
  }

  /** RTP packets that the capture kept only in part; known when it has ended. */
  get cut(): number {
    return this.#cut;
  }

  /** Takes the next datagram in the order of the capture; keeps nothing of its payload. Never throws. */
  push(datagram: Datagram): void {
    this.#packets++;
    const { payload } = datagram;
    if (datagram.protocol === 'tcp') {
      this.#pushSignal(datagram);
      return;
    }
    if (payload.length === 0) return;
    const first = payload[0]!;
    if (first >> 6 === RTP_VERSION) this.#pushRtp(datagram, first);
    else if (!this.#pushSignal(datagram)) this.#pushOther(datagram);
  }

  /** Call once, when the capture has ended. Never throws. */
  finish(): CapturePlan {
    this.#dialogs.finish();
    const signalling = new Signalling(this.#dialogs.calls.values());
    const tracks = this.#tracksOf(signalling);
    const pieces = tracks.flatMap((track) => piecesOf(track, signalling));
    const { heard, useless, leftOut } = judgeAll(pieces, signalling);
    const unexplained = heard.filter(({ piece }) => piece.binding === undefined);
    const joined = joinHops([...signalledCalls(heard), ...pathCalls(unexplained)]);
    const planned = planCalls(pairAlone(joined.calls, useless));
    return {
      calls: planned.calls,
      leftOut: [
        ...joined.leftOut,
        ...planned.leftOut,
        ...leftOut,
        ...faxes(this.#flows.flows(), signalling),
        ...tooFew(this.#flows.flows(), new Set(tracks)),
        ...silentCalls(this.#dialogs.calls.keys(), pieces),
      ],
      warnings: this.#warnings(tracks),
      packets: this.#packets,
    };
  }

  #pushSignal(datagram: Datagram): boolean {
    if (!this.#dialogs.push(datagram)) return false;
    this.#signalledUs = datagram.atUs;
    this.#signalling = undefined;
    return true;
  }

  #pushRtp(datagram: Datagram, first: number): void {
    const { cut, atUs } = datagram;
    const rtp = this.#rtp;
    let data: Uint8Array = datagram.payload;
    if (cut && first & PADDING_FLAG) {
      // The count at the end of the padding is among the bytes that were cut.
      data = Uint8Array.from(data);
      data[0] = first & ~PADDING_FLAG;
    }
    if (!rtp.parse(data)) return;
    const flow = this.#flows.find(datagram) ?? this.#flows.open(datagram);
    let track = flow.track(rtp.ssrc);
    if (track === undefined) {
      track = new Track(flow, rtp.ssrc, this.#tracks++, this.#budget);
      flow.addCandidate(track);
    }
    const wasProven = track.proven;
    track.push(rtp, data, atUs, cut, this.#signalledUs);
    if (!wasProven && track.proven) this.#promote(flow, track);
    if (!wasProven) this.#flows.touch(flow);
  }

  #promote(flow: Flow, track: Track): void {
    if (this.#streams >= this.#mostStreams) {
      this.#beyond++;
      return;
    }
    this.#streams++;
    flow.promote(track);
  }

  /** Fax is the only other media that is named. */
  #pushOther(datagram: Datagram): void {
    const known = this.#flows.find(datagram);
    if (known !== undefined) {
      if (known.pushOther(datagram.payload)) this.#flows.touch(known);
    } else if (isUdptl(datagram.payload)) {
      this.#flows.open(datagram).pushOther(datagram.payload);
    }
  }

  #signallingSoFar(): Signalling {
    this.#signalling ??= new Signalling(this.#dialogs.calls.values());
    return this.#signalling;
  }

  /** Streams that proved themselves, and candidates on paths that signalling names, of which one packet is enough. */
  #tracksOf(signalling: Signalling): Track[] {
    const tracks: Track[] = [];
    for (const flow of this.#flows.flows()) {
      tracks.push(...flow.tracks.values());
      if (flow.candidates.size > 0 && signalling.names(flow)) {
        tracks.push(...[...flow.candidates.values()].filter(({ proven }) => !proven));
      }
    }
    return tracks.sort((left, right) => left.order - right.order);
  }

  #warnings(tracks: readonly Track[]): string[] {
    const warnings: string[] = [];
    this.#cut = tracks.reduce((sum, track) => sum + track.cut, 0);
    if (this.#cut > 0) warnings.push(`${this.#cut} packets were cut by the capture's snaplen; their audio is lost`);
    if (this.#beyond > 0) warnings.push(`streams beyond the first ${this.#mostStreams} were ignored: ${this.#beyond}`);
    const { ignoredMessages } = this.#dialogs;
    if (ignoredMessages > 0)
      warnings.push(`SIP messages of more calls than can be followed, ignored: ${ignoredMessages}`);
    return warnings;
  }
}

type Judged = {
  readonly heard: readonly Heard[];
  readonly useless: readonly Piece[];
  readonly leftOut: readonly LeftOut[];
};

const judgeAll = (pieces: readonly Piece[], signalling: Signalling): Judged => {
  const interner = new CodecInterner();
  const heard: Heard[] = [];
  const useless: Piece[] = [];
  const leftOut: LeftOut[] = [];
  for (const piece of pieces) {
    const { kind, codecs, leftOut: named } = judge(piece, signalling, interner);
    leftOut.push(...named);
    if (kind === 'useless') useless.push(piece);
    else heard.push({ piece, kind, codecs });
  }
  return { heard, useless, leftOut };
};
