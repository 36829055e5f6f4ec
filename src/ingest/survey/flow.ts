/** One path of UDP datagrams, from one address and port to another, and the streams on it. Pure; bounded. */
import type { Datagram } from '../datagram.ts';
import type { Track } from './track.ts';
import { isUdptl } from './udptl.ts';

export type Path = Pick<Datagram, 'source' | 'sourcePort' | 'target' | 'targetPort'>;

/** Candidates on one path; the oldest gives way, so that noise which looks like RTP can't fill the memory. */
const MOST_CANDIDATES = 16;
/** UDPTL datagrams in a row by which fax is known without signalling. */
const PROVEN_FAX = 4;

export class Flow implements Path {
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  /** Proven, by SSRC. */
  readonly tracks = new Map<number, Track>();
  /** Not proven yet, by SSRC, the oldest first. */
  readonly candidates = new Map<number, Track>();
  /** Datagrams that are whole UDPTL, and how many of them in a row were numbered so. */
  faxes = 0;
  #faxRun = 0;
  #faxSequence = -1;
  #provenFax = false;
  #last: Track | undefined;

  constructor({ source, sourcePort, target, targetPort }: Path) {
    this.source = source;
    this.sourcePort = sourcePort;
    this.target = target;
    this.targetPort = targetPort;
  }

  /** Holds something that is certain to matter: it must not be forgotten. */
  get proven(): boolean {
    return this.tracks.size > 0 || this.#provenFax;
  }

  get isFax(): boolean {
    return this.#provenFax;
  }

  track(ssrc: number): Track | undefined {
    if (this.#last?.ssrc === ssrc) return this.#last;
    const found = this.tracks.get(ssrc) ?? this.candidates.get(ssrc);
    if (found !== undefined) this.#last = found;
    return found;
  }

  addCandidate(track: Track): void {
    this.candidates.set(track.ssrc, track);
    this.#last = track;
    if (this.candidates.size <= MOST_CANDIDATES) return;
    for (const oldest of this.candidates.keys()) {
      this.candidates.delete(oldest);
      return;
    }
  }

  promote(track: Track): void {
    this.candidates.delete(track.ssrc);
    this.tracks.set(track.ssrc, track);
  }

  /** Takes a datagram that is no RTP. @returns whether it was UDPTL. */
  pushOther(data: Uint8Array): boolean {
    if (!isUdptl(data)) return false;
    const sequence = (data[0]! << 8) | data[1]!;
    const step = (sequence - this.#faxSequence) & 0xffff;
    this.#faxRun = this.#faxSequence === -1 || step > 2 ? 1 : step === 0 ? this.#faxRun : this.#faxRun + 1;
    this.#faxSequence = sequence;
    this.faxes++;
    if (this.#faxRun >= PROVEN_FAX) this.#provenFax = true;
    return true;
  }
}

/** The way back. */
export const reversed = ({ source, sourcePort, target, targetPort }: Path): Path => ({
  source: target,
  sourcePort: targetPort,
  target: source,
  targetPort: sourcePort,
});

/** `192.0.2.1:4000>192.0.2.2:5000`; IPv6 in brackets. */
export const formatPath = ({ source, sourcePort, target, targetPort }: Path): string =>
  `${endpoint(source, sourcePort)}>${endpoint(target, targetPort)}`;

const endpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
