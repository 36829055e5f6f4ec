/** Calls as signalling tells them: every stream by its Call-ID and leg. Pure. */
import { LEGS, otherLeg } from '../../core/leg.ts';
import type { SipCall } from '../sip/call.ts';
import { ProtoCall } from './proto-call.ts';
import { type Heard, overlapUs, Strand, togetherUs } from './strand.ts';

/** One ProtoCall for each Call-ID that has media. @param heard streams with a binding. */
export const signalledCalls = (heard: readonly Heard[]): ProtoCall[] => {
  const calls = new Map<SipCall, ProtoCall>();
  for (const part of heard) {
    const { binding, flow } = part.piece;
    if (binding === undefined) continue;
    const call = calls.get(binding.call) ?? new ProtoCall(binding.call);
    calls.set(binding.call, call);
    const leg = call.legs[binding.leg];
    const strand = leg.find((known) => known.flow === flow);
    if (strand === undefined) leg.push(new Strand(part));
    else strand.add(part);
  }
  for (const call of calls.values()) splitOneSided(call);
  return [...calls.values()];
};

/**
 * A recorder that is called (SIPREC, RFC 7866) gets both people from one side: one m= line each, told apart by a label. Two
 * streams to two of its ports at once are then two legs, in the order of the lines.
 */
const splitOneSided = (call: ProtoCall): void => {
  const full = LEGS.find((leg) => call.legs[leg].length > 1 && call.legs[otherLeg(leg)].length === 0);
  if (full === undefined || call.sip === undefined) return;
  const { media } = call.sip;
  const lineOf = ({ flow }: Strand): number =>
    media.find(({ address, port }) => address === flow.target && port === flow.targetPort)?.line ?? -1;
  const [first, ...rest] = [...call.legs[full]].sort((left, right) => lineOf(left) - lineOf(right));
  if (first === undefined) return;
  const beside = rest.filter(
    (strand) => lineOf(strand) !== lineOf(first) && (strand.hasAudio || first.hasAudio) && isBeside(first, strand),
  );
  if (beside.length === 0) return;
  call.legs.a = [first, ...rest.filter((strand) => !beside.includes(strand))];
  call.legs.b = beside;
};

/** Both at once; pauses of either don't count. */
const isBeside = (left: Strand, right: Strand): boolean =>
  togetherUs(left.bursts, right.bursts) > 0 || overlapUs(left, right) > 0;
