/** Makes calls of streams that nothing else tied together: two that share a host and last at the same time are two legs. Pure. */
import { otherLeg } from '../../core/leg.ts';
import { ProtoCall } from './proto-call.ts';
import { overlapUs } from './strand.ts';

/** Two legs that begin so far apart are as unlikely a pair as two that hardly overlap. */
const APART_US = 10_000_000;
/** Streams looked at for each stream, the nearest in start first. */
const MOST_CANDIDATES = 256;

type Pair = { readonly left: ProtoCall; readonly right: ProtoCall; readonly cost: number; readonly portsApart: number };

/** @returns the calls, those with one leg joined where they can be. At most one of a pair has signalling. */
export const pairAlone = (calls: readonly ProtoCall[]): ProtoCall[] => {
  const alone = calls.filter(({ emptyLeg }) => emptyLeg !== undefined).sort((x, y) => x.firstUs - y.firstUs);
  const pairs: Pair[] = [];
  for (const [index, left] of alone.entries()) {
    const { lastUs } = left;
    for (const right of alone.slice(index + 1, index + 1 + MOST_CANDIDATES)) {
      if (right.firstUs >= lastUs) break;
      const pair = pairOf(left, right);
      if (pair !== undefined) pairs.push(pair);
    }
  }
  pairs.sort((x, y) => x.cost - y.cost || x.portsApart - y.portsApart);
  const taken = new Set<ProtoCall>();
  const paired: ProtoCall[] = [];
  for (const { left, right } of pairs) {
    if (taken.has(left) || taken.has(right)) continue;
    taken.add(left).add(right);
    paired.push(join(left, right));
  }
  return [...calls.filter((call) => !taken.has(call)), ...paired];
};

const pairOf = (left: ProtoCall, right: ProtoCall): Pair | undefined => {
  if (left.sip !== undefined && right.sip !== undefined) return undefined;
  const together = overlapUs(left, right);
  if (together <= 0 || !shareHost(left, right)) return undefined;
  const whole = Math.max(left.lastUs, right.lastUs) - Math.min(left.firstUs, right.firstUs);
  const apartUs = Math.abs(left.firstUs - right.firstUs);
  const [one, other] = [left.strands[0]!.flow, right.strands[0]!.flow];
  return {
    left,
    right,
    cost: 1 - together / whole + Math.min(1, apartUs / APART_US),
    portsApart: Math.abs(one.targetPort - other.targetPort),
  };
};

const hostsOf = (call: ProtoCall): ReadonlySet<string> =>
  new Set(call.strands.flatMap(({ flow }) => [flow.source, flow.target]));

const shareHost = (left: ProtoCall, right: ProtoCall): boolean => {
  const hosts = hostsOf(left);
  return [...hostsOf(right)].some((host) => hosts.has(host));
};

const join = (left: ProtoCall, right: ProtoCall): ProtoCall => {
  const [named, other] = right.sip === undefined ? [left, right] : [right, left];
  const empty = named.emptyLeg ?? 'b';
  const legs = { ...named.legs, [empty]: other.strands };
  return new ProtoCall(named.sip, legs.a, legs[otherLeg('a')]);
};
