/** Makes calls of streams that nothing else tied together: two that share a host and last at the same time are two legs. Pure. */
import { otherLeg } from '../../core/leg.ts';
import { formatPath, reversed } from './flow.ts';
import type { Piece } from './piece.ts';
import { ProtoCall } from './proto-call.ts';
import { overlapUs } from './strand.ts';

/** Two legs that begin so far apart are as unlikely a pair as two that hardly overlap. */
const APART_US = 10_000_000;
/** Streams looked at for each stream, the nearest in start first. */
const MOST_CANDIDATES = 256;

/** A call with one leg, and what pairs are judged by. */
type Single = {
  readonly call: ProtoCall;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly hosts: ReadonlySet<string>;
  readonly port: number;
};
type Pair = { readonly left: ProtoCall; readonly right: ProtoCall; readonly cost: number; readonly portsApart: number };

/**
 * @param useless streams that can't be recorded: a call whose other leg is one of them is not looking for another.
 * @returns the calls, those with one leg joined where they can be. At most one of a pair has signalling.
 */
export const pairAlone = (calls: readonly ProtoCall[], useless: readonly Piece[]): ProtoCall[] => {
  const answered = new Set(useless.map(({ binding }) => binding?.call));
  const answers = new Set(useless.map(({ flow }) => formatPath(reversed(flow))));
  const isAnswered = ({ sip, strands }: ProtoCall): boolean =>
    (sip !== undefined && answered.has(sip)) || strands.some(({ flow }) => answers.has(formatPath(flow)));
  const singles = calls
    .filter((call) => call.emptyLeg !== undefined && !isAnswered(call))
    .map(singleOf)
    .sort((x, y) => x.firstUs - y.firstUs);
  const pairs: Pair[] = [];
  for (const [index, left] of singles.entries()) {
    const until = Math.min(singles.length, index + 1 + MOST_CANDIDATES);
    for (let next = index + 1; next < until; next++) {
      const right = singles[next]!;
      if (right.firstUs >= left.lastUs) break;
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

const singleOf = (call: ProtoCall): Single => ({
  call,
  firstUs: call.firstUs,
  lastUs: call.lastUs,
  hosts: new Set(call.strands.flatMap(({ flow }) => [flow.source, flow.target])),
  port: call.strands[0]!.flow.targetPort,
});

const pairOf = (left: Single, right: Single): Pair | undefined => {
  if (left.call.sip !== undefined && right.call.sip !== undefined) return undefined;
  const together = overlapUs(left, right);
  if (![...right.hosts].some((host) => left.hosts.has(host))) return undefined;
  const whole = Math.max(left.lastUs, right.lastUs) - Math.min(left.firstUs, right.firstUs);
  const apartUs = Math.abs(left.firstUs - right.firstUs);
  return {
    left: left.call,
    right: right.call,
    cost: 1 - together / whole + Math.min(1, apartUs / APART_US),
    portsApart: Math.abs(left.port - right.port),
  };
};

const join = (left: ProtoCall, right: ProtoCall): ProtoCall => {
  const [named, other] = right.sip === undefined ? [left, right] : [right, left];
  const empty = named.emptyLeg ?? 'b';
  const legs = { ...named.legs, [empty]: other.strands };
  return new ProtoCall(named.sip, legs.a, legs[otherLeg('a')]);
};
