/**
 * Calls without signalling, as the paths of their packets tell them: what mirrors each other is a call, and so are two senders
 * at once on one path, which is how a server forwards both legs to one port. Pure.
 */
import { formatPath, type Path, reversed } from './flow.ts';
import { RESTART_SILENCE_US } from './piece.ts';
import { ProtoCall } from './proto-call.ts';
import { byStart, type Heard, overlapUs, Strand, togetherUs } from './strand.ts';

/** A new SSRC takes over from the old one; both may be heard for so long. */
const TAKE_OVER_US = 500_000;
/** Of the shorter of both, at most. */
const TAKE_OVER_SHARE = 0.2;

/** @param heard streams that signalling does not explain. */
export const pathCalls = (heard: readonly Heard[]): ProtoCall[] => {
  const paths = new Map<string, Heard[]>();
  for (const part of heard) {
    const key = pathKey(part.piece.flow);
    const parts = paths.get(key);
    if (parts === undefined) paths.set(key, [part]);
    else parts.push(part);
  }
  return [...paths.values()].flatMap((parts) => sessions(parts).flatMap(sessionCalls));
};

/** The same for both directions. */
const pathKey = (flow: Path): string => {
  const there = formatPath(flow);
  const back = formatPath(reversed(flow));
  return there < back ? there : back;
};

/** Divides what used one path at times between which both directions were silent for long. */
const sessions = (parts: readonly Heard[]): Heard[][] => {
  const inOrder = [...parts].sort((left, right) => left.piece.firstUs - right.piece.firstUs);
  const all: Heard[][] = [];
  let endUs = Number.NEGATIVE_INFINITY;
  for (const part of inOrder) {
    if (part.piece.firstUs > endUs + RESTART_SILENCE_US) all.push([]);
    all.at(-1)!.push(part);
    endUs = Math.max(endUs, part.piece.lastUs);
  }
  return all;
};

const sessionCalls = (parts: readonly Heard[]): ProtoCall[] => {
  const there = parts.filter(({ piece }) => piece.flow === parts[0]?.piece.flow);
  const back = parts.filter((part) => !there.includes(part));
  const isTwoWay = [there, back].every((side) => side.some(({ kind }) => kind === 'audio'));
  const sides = [strandsOf(there, isTwoWay), strandsOf(back, isTwoWay)] as const;
  const pairs = [
    ...bestPairs(sides[0].flatMap((left) => sides[1].map((right) => [left, right] as const))),
    ...sides.flatMap((side) => bestPairs(side.flatMap((x, at) => side.slice(at + 1).map((y) => [x, y] as const)))),
  ];
  const taken = new Set<Strand>();
  const calls: ProtoCall[] = [];
  for (const [left, right] of pairs) {
    if (taken.has(left) || taken.has(right)) continue;
    taken.add(left).add(right);
    calls.push(new ProtoCall(undefined, [left], [right]));
  }
  const alone = [...sides[0], ...sides[1]].filter((strand) => !taken.has(strand));
  return [...calls, ...alone.map((strand) => new ProtoCall(undefined, [strand]))];
};

/** Longest together first; then those that began nearest to each other. */
const bestPairs = (pairs: (readonly [Strand, Strand])[]): (readonly [Strand, Strand])[] => {
  const apart = ([left, right]: readonly [Strand, Strand]): number => Math.abs(left.firstUs - right.firstUs);
  return pairs.sort((x, y) => overlapUs(...y) - overlapUs(...x) || apart(x) - apart(y));
};

/** The streams of one direction: one strand for those that take turns, and one for each that speaks at the same time. */
const strandsOf = (parts: readonly Heard[], isTwoWay: boolean): Strand[] => {
  const strands: Strand[] = [];
  const audio = parts.filter(({ kind }) => kind === 'audio');
  for (const part of audio) {
    const before = strands
      .filter((strand) => !isConcurrent(strand, part, isTwoWay))
      .sort((left, right) => right.lastUs - left.lastUs)[0];
    if (before === undefined) strands.push(new Strand(part));
    else before.add(part);
  }
  for (const part of parts.filter(({ kind }) => kind !== 'audio')) {
    // Events under an SSRC of their own are typed on the phone whose audio goes the same way.
    const nearest = [...strands].sort((left, right) => overlapUs(right, part.piece) - overlapUs(left, part.piece))[0];
    if (nearest === undefined) strands.push(new Strand(part));
    else nearest.add(part);
  }
  return strands.sort(byStart);
};

/**
 * Whether two streams of one direction are two people. Where the other direction is there too, this one is a single leg, unless
 * both send at the same moment; where it is not, they are two people as soon as one goes on after the other began, since
 * some servers send nothing in silence.
 */
const isConcurrent = (strand: Strand, { piece }: Heard, isTwoWay: boolean): boolean => {
  const shorter = Math.min(strand.lastUs - strand.firstUs, piece.lastUs - piece.firstUs);
  const allowed = Math.min(TAKE_OVER_US, shorter * TAKE_OVER_SHARE);
  const together = isTwoWay ? togetherUs(strand.bursts, piece.bursts) : overlapUs(strand, piece);
  return together > allowed;
};
