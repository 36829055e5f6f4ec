/**
 * Records a conversation once though the capture holds it on several hops: a PBX or B2BUA is one call to each of two people, and
 * passes on what it hears. Calls whose audio is the same, direction by direction, become one. Pure.
 *
 *     first call    A ──▶ PBX        PBX ──▶ A
 *                      same audio ╲ ╱ same audio
 *     second call   PBX ──▶ B          B ──▶ PBX
 */
import { LEGS, otherLeg } from '../../core/leg.ts';
import type { LeftOut } from '../plan.ts';
import { AudioTwins, TELLING_PAYLOADS, type Twins } from './audio-twins.ts';
import { formatPath } from './flow.ts';
import { byBeginning, ProtoCall } from './proto-call.ts';
import { byStart, isMirror, overlapUs, type Strand } from './strand.ts';

/** Where addresses say nothing, one direction alone must be this alike, and this close in time. */
const MANY_PAYLOADS = 8;
const CLOSE_US = 50_000;
/** A strand is spared when others span this much of it. */
const SPANNED = 0.8;
const HALF = 0.5;

/** How the second strand's addresses follow on the first's. */
type Topology = 'chain' | 'copy' | 'fan' | 'unknown';
/** A call within a group; `flipped` when its leg a is the group's leg b. */
type Member = { readonly call: ProtoCall; readonly flipped: boolean };
type Dropped = { readonly strand: Strand; readonly like: Strand };

export const joinHops = (calls: readonly ProtoCall[]): { calls: ProtoCall[]; leftOut: LeftOut[] } => {
  const twins = new AudioTwins(calls.flatMap(({ strands }) => strands));
  const joined = groups(calls, twins).map((members) => joinMembers(members, twins));
  return { calls: joined.map(({ call }) => call), leftOut: joined.flatMap(({ leftOut }) => leftOut) };
};

const groups = (calls: readonly ProtoCall[], twins: AudioTwins): (readonly Member[])[] => {
  const groupOf = new Map<ProtoCall, Member[]>(calls.map((call) => [call, [{ call, flipped: false }]]));
  const callOf = new Map(calls.flatMap((call) => call.strands.map((strand) => [strand, call] as const)));
  const relayed = new Set<Strand>();
  const onward = new Set<string>();
  for (const pair of twins.all) {
    const { first, second } = pair;
    const [from, to] = [callOf.get(first)!, callOf.get(second)!];
    // A strand is the relay of one other only, and goes to one place once: the nearest in time was taken before.
    const hop = `${callOf.get(first)!.order} ${first.order} ${second.flow.source} ${second.flow.target}`;
    if (from === to || relayed.has(second) || onward.has(hop) || !isRelay(pair, from, to, twins)) continue;
    relayed.add(second);
    onward.add(hop);
    const flipped = from.legOf(first) !== to.legOf(second);
    const [into, out] = [groupOf.get(from)!, groupOf.get(to)!];
    if (into === out) continue;
    const isFlipped = (group: readonly Member[], call: ProtoCall): boolean =>
      group.find((member) => member.call === call)?.flipped === true;
    const turn = flipped !== (isFlipped(into, from) !== isFlipped(out, to));
    for (const member of out) {
      into.push({ call: member.call, flipped: member.flipped !== turn });
      groupOf.set(member.call, into);
    }
  }
  return [...new Set(groupOf.values())];
};

/** Whether the second strand is what a relay made of the first; the other direction of both calls bears witness. */
const isRelay = (pair: Twins, from: ProtoCall, to: ProtoCall, twins: AudioTwins): boolean => {
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
  if (topology !== 'unknown') return payloads >= TELLING_PAYLOADS;
  const isAbsent = ours.length === 0 || theirs.length === 0;
  return isAbsent && payloads >= MANY_PAYLOADS && lagUs <= CLOSE_US;
};

/**
 * `chain`: sent on by whoever received it. `copy`: the same packets, before and after an address translation. `fan`: one host
 * sends, or receives, the same twice, as music on hold goes to all who wait: two conversations. `unknown`: all on one host, or
 * a relay with several addresses.
 */
const topologyOf = (
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

const joinMembers = (members: readonly Member[], twins: AudioTwins): { call: ProtoCall; leftOut: LeftOut[] } => {
  const inOrder = [...members].sort((left, right) => byBeginning(left.call, right.call));
  const named = inOrder.find(({ call }) => call.sip !== undefined) ?? inOrder[0]!;
  const dropped: Dropped[] = [];
  const legs = { a: [] as Strand[], b: [] as Strand[] };
  for (const leg of LEGS) {
    for (const { call, flipped } of inOrder) {
      const theirs = call.legs[flipped === named.flipped ? leg : otherLeg(leg)];
      for (const strand of [...theirs].sort(byStart)) {
        legs[leg] = addOnce(legs[leg], strand, call !== inOrder[0]!.call, twins, dropped);
      }
    }
  }
  const joined = new ProtoCall(named.call.sip, legs.a, legs.b);
  return { call: joined, leftOut: leftOutOf(inOrder, joined, dropped) };
};

/** Adds the strand to a leg's unless they hold its audio already; what it holds itself, and more, is dropped for it. */
const addOnce = (
  kept: Strand[],
  strand: Strand,
  isOtherCall: boolean,
  twins: AudioTwins,
  dropped: Dropped[],
): Strand[] => {
  const alike = kept.filter((other) => twins.find(other, strand) !== undefined || isNextHop(other, strand));
  if (isSpanned(strand, alike, SPANNED)) {
    dropped.push({ strand, like: alike[0]! });
    return kept;
  }
  const covered = alike.filter((other) => isSpanned(other, [strand], SPANNED));
  if (covered.length > 0) {
    dropped.push(...covered.map((other) => ({ strand: other, like: strand })));
    return [...kept.filter((other) => !covered.includes(other)), strand];
  }
  // The calls are one by their other direction; this one is silent, or only pressed keys, on every hop.
  const beside = kept.filter((other) => overlapUs(other, strand) > 0);
  if (isOtherCall && isSpanned(strand, beside, HALF)) {
    dropped.push({ strand, like: beside[0]! });
    return kept;
  }
  return [...kept, strand];
};

/** One leg of one call, received by a host and sent by the same host at the same time: a proxy that changed the codec. */
const isNextHop = (before: Strand, strand: Strand): boolean =>
  topologyOf(before, strand) === 'chain' && isSpanned(strand, [before], SPANNED);

const isSpanned = (strand: Strand, by: readonly Strand[], share: number): boolean => {
  const spanned = by.reduce((sum, other) => sum + Math.max(0, overlapUs(other, strand)), 0);
  return by.length > 0 && spanned >= (strand.lastUs - strand.firstUs) * share;
};

const leftOutOf = (members: readonly Member[], joined: ProtoCall, dropped: readonly Dropped[]): LeftOut[] => {
  const leftOut: LeftOut[] = [];
  const told = new Set<Strand>();
  for (const { call } of members) {
    const all = call.strands;
    if (call.sip === undefined || call.sip === joined.sip) continue;
    if (!all.every((strand) => dropped.some((one) => one.strand === strand))) continue;
    for (const strand of all) told.add(strand);
    const kept = joined.sip === undefined ? formatPath(joined.strands[0]!.flow) : `call ${joined.sip.callId}`;
    leftOut.push({
      what: `call ${call.sip.callId}`,
      path: formatPath(all[0]!.flow),
      packets: all.reduce((sum, { packets }) => sum + packets, 0),
      why: `the same conversation as ${kept}, on another hop; recorded once`,
    });
  }
  for (const { strand, like } of dropped) {
    if (told.has(strand)) continue;
    leftOut.push({
      what: 'RTP',
      path: formatPath(strand.flow),
      packets: strand.packets,
      why: `the same audio as ${formatPath(like.flow)}, on another hop; recorded once`,
    });
  }
  return leftOut;
};
