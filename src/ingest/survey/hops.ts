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
import { AudioTwins, type Twins } from './audio-twins.ts';
import { formatPath } from './flow.ts';
import { byBeginning, ProtoCall } from './proto-call.ts';
import { isRelay, topologyOf } from './relay.ts';
import { byStart, overlapUs, type Strand } from './strand.ts';

/** A strand is spared when others span this much of it. */
const SPANNED = 0.8;
const HALF = 0.5;

/** A call within a group; `flipped` when its leg a is the group's leg b. */
type Member = { readonly call: ProtoCall; readonly flipped: boolean };
type Dropped = { readonly strand: Strand; readonly like: Strand };

export const joinHops = (calls: readonly ProtoCall[]): { calls: ProtoCall[]; leftOut: LeftOut[] } => {
  const twins = new AudioTwins(calls.flatMap(({ strands }) => strands));
  const joined = new Groups(calls, twins).all.map((members) => joinMembers(members, twins));
  return { calls: joined.map(({ call }) => call), leftOut: joined.flatMap(({ leftOut }) => leftOut) };
};

/** Calls that are one conversation, with which of them have their legs the other way round. */
class Groups {
  readonly #twins: AudioTwins;
  readonly #groupOf: Map<ProtoCall, Member[]>;
  readonly #callOf: Map<Strand, ProtoCall>;
  readonly #relayed = new Set<Strand>();
  readonly #onward = new Set<string>();

  constructor(calls: readonly ProtoCall[], twins: AudioTwins) {
    this.#twins = twins;
    this.#groupOf = new Map(calls.map((call) => [call, [{ call, flipped: false }]]));
    this.#callOf = new Map(calls.flatMap((call) => call.strands.map((strand) => [strand, call] as const)));
    for (const pair of twins.all) this.#take(pair, isRelay);
    for (const pair of twins.all) this.#take(pair, (fork, from, to) => this.#isFork(fork, from, to));
  }

  get all(): readonly (readonly Member[])[] {
    return [...new Set(this.#groupOf.values())];
  }

  #take(pair: Twins, isTrue: typeof isRelay): void {
    const { first, second } = pair;
    const [from, to] = [this.#callOf.get(first)!, this.#callOf.get(second)!];
    // A strand is the relay of one other only, and goes to one place once: the nearest in time was taken before.
    const hop = `${from.order} ${first.order} ${second.flow.source} ${second.flow.target}`;
    if (from === to || this.#relayed.has(second) || this.#onward.has(hop)) return;
    if (!isTrue(pair, from, to, this.#twins)) return;
    this.#relayed.add(second);
    this.#onward.add(hop);
    this.#join(from, to, from.legOf(first) !== to.legOf(second));
  }

  #join(from: ProtoCall, to: ProtoCall, flipped: boolean): void {
    const [into, out] = [this.#groupOf.get(from)!, this.#groupOf.get(to)!];
    if (into === out) return;
    const turned = flipped !== (this.#isFlipped(from) !== this.#isFlipped(to));
    for (const member of out) {
      into.push({ call: member.call, flipped: member.flipped !== turned });
      this.#groupOf.set(member.call, into);
    }
  }

  #isFlipped(call: ProtoCall): boolean {
    return this.#groupOf.get(call)!.find((member) => member.call === call)!.flipped;
  }

  /** The leg a server says itself, forwarded beside the other one, which was found to be a relay, to one recorder. */
  #isFork({ first, second }: Twins, from: ProtoCall, to: ProtoCall): boolean {
    if (to.strands.length > 1 || first.flow.source !== second.flow.source) return false;
    return this.#groupOf
      .get(from)!
      .some(({ call }) =>
        call.strands.some(
          (other) =>
            other !== first &&
            this.#relayed.has(other) &&
            call.strands.length === 1 &&
            other.flow.source === second.flow.source &&
            other.flow.target === second.flow.target,
        ),
      );
  }
}

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
