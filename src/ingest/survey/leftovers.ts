/** Names what a capture holds besides the streams that could be judged: fax, too little of a stream, calls without media. Pure. */
import type { LeftOut } from '../plan.ts';
import { type Flow, formatPath } from './flow.ts';
import type { Piece } from './piece.ts';
import type { Signalling } from './signalling.ts';
import type { Track } from './track.ts';

/** Paths with a few packets that may have been RTP are named up to this number. */
const MOST_NAMED = 20;

/** Known by its numbering, or by one datagram where SDP said that fax is sent there. */
export const faxes = (flows: Iterable<Flow>, signalling: Signalling): LeftOut[] => {
  const leftOut: LeftOut[] = [];
  for (const flow of flows) {
    if (!flow.isFax && !(flow.faxes > 0 && signalling.kindsOf(flow).has('image'))) continue;
    leftOut.push({ what: 'T.38', path: formatPath(flow), packets: flow.faxes, why: 'fax; only audio is recorded' });
  }
  return leftOut;
};

/** What may have been RTP, but for its few packets. A single packet is most likely noise, and not named. */
export const tooFew = (flows: Iterable<Flow>, used: ReadonlySet<Track>): LeftOut[] => {
  const leftOut: LeftOut[] = [];
  for (const flow of flows) {
    for (const track of flow.candidates.values()) {
      if (leftOut.length === MOST_NAMED) return leftOut;
      if (!track.looksLikeRtp || track.proven || used.has(track)) continue;
      const why = 'too few packets to tell it from noise, and no signalling names it';
      leftOut.push({ what: 'RTP', path: formatPath(flow), packets: track.packets, why });
    }
  }
  return leftOut;
};

/** @param callIds of all calls that were signalled. */
export const silentCalls = (callIds: Iterable<string>, pieces: readonly Piece[]): LeftOut[] => {
  const heard = new Set(pieces.map(({ binding }) => binding?.call.callId));
  const [first, ...others] = [...callIds].filter((callId) => !heard.has(callId));
  if (first === undefined) return [];
  const why = 'the capture holds their signalling, and no media';
  return [{ what: `SIP calls: ${others.length + 1}`, path: first, packets: 0, why }];
};
