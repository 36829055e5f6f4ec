/** Tells a relay of one call's audio from two calls that happen to sound alike. Pure. */
import { otherLeg } from '../../core/leg.ts';
import { type AudioTwins, TELLING_PAYLOADS, type Twins } from './audio-twins.ts';
import type { ProtoCall } from './proto-call.ts';
import { isMirror, type Strand } from './strand.ts';

/** Where addresses say nothing, one direction alone must be this alike, and this close in time. */
const MANY_PAYLOADS = 8;
const CLOSE_US = 50_000;

/**
 * How the second strand's addresses follow on the first's. `chain`: sent on by whoever received it. `copy`: the same packets,
 * before and after an address translation. `fan`: one host sends, or receives, the same twice, as music on hold goes to all
 * who wait: two conversations. `unknown`: all on one host, or a relay with several addresses.
 */
type Topology = 'chain' | 'copy' | 'fan' | 'unknown';

/** Whether the second strand is what a relay made of the first; the other direction of both calls bears witness. */
export const isRelay = (pair: Twins, from: ProtoCall, to: ProtoCall, twins: AudioTwins): boolean => {
  const { first, second, lagUs, payloads } = pair;
  const topology = topologyOf(first, second);
  if (topology === 'fan' || isMirror(first.flow, second.flow)) return false;
  const theirs = from.legs[otherLeg(from.legOf(first)!)].filter(({ hasAudio }) => hasAudio);
  const ours = to.legs[otherLeg(to.legOf(second)!)].filter(({ hasAudio }) => hasAudio);
  const back = ours.flatMap((our) => theirs.flatMap((their) => twins.find(our, their) ?? []));
  if (back.length > 0) {
    if (topology !== 'unknown') return true;
    // Two calls with the same recording in both are alike, too; but then one of them is ahead in both directions.
    const returns = back.some((other) => ours.includes(other.first) && other.payloads >= TELLING_PAYLOADS);
    return returns && payloads >= TELLING_PAYLOADS;
  }
  if (ours.some((our) => twins.isTelling(our)) && theirs.some((their) => twins.isTelling(their))) return false;
  // One sender's packets to two targets are two who wait as well as one behind a NAT.
  if (topology === 'copy' && first.flow.source === second.flow.source) return false;
  if (topology !== 'unknown') return payloads >= TELLING_PAYLOADS;
  const isAbsent = ours.length === 0 || theirs.length === 0;
  return isAbsent && payloads >= MANY_PAYLOADS && lagUs <= CLOSE_US;
};

export const topologyOf = (
  { flow: first, parts: firstParts }: Strand,
  { flow: second, parts: secondParts }: Strand,
): Topology => {
  if (new Set([first.source, first.target, second.source, second.target]).size === 1) return 'unknown';
  const sameSource = first.source === second.source;
  const sameTarget = first.target === second.target;
  const ssrcs = new Set(firstParts.map(({ piece }) => piece.track.ssrc));
  const samePackets = secondParts.some(({ piece }) => ssrcs.has(piece.track.ssrc));
  const samePort =
    (sameSource && first.sourcePort === second.sourcePort) || (sameTarget && first.targetPort === second.targetPort);
  if (samePackets && samePort) return 'copy';
  if (sameSource || sameTarget) return 'fan';
  return first.target === second.source ? 'chain' : 'unknown';
};
