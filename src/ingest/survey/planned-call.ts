/** Writes what the survey found as the plan that the second pass reads. Pure. */
import { LEGS, type Leg } from '../../core/leg.ts';
import { type LeftOut, type Party, type PlannedCall, type PlannedStream, streamKey } from '../plan.ts';
import { type Flow, formatPath } from './flow.ts';
import type { ProtoCall } from './proto-call.ts';
import { byStart, type Heard, type Strand } from './strand.ts';
import type { Track } from './track.ts';

const NOBODY: Party = { address: '', name: '', number: '' };

/** The calls that have audio, in order of their first packet, and what the others were. */
export const planCalls = (calls: readonly ProtoCall[]): { calls: PlannedCall[]; leftOut: LeftOut[] } => {
  const sounds = ({ strands }: ProtoCall): boolean => strands.some(({ hasAudio }) => hasAudio);
  const sounding = calls.filter(sounds);
  const mute = calls.filter((call) => !sounds(call));
  const taken = new Set(sounding.flatMap(({ sip }) => sip?.callId ?? []));
  const planned = [...sounding]
    .sort((left, right) => left.firstUs - right.firstUs || left.order - right.order)
    .map((call) => planCall(call, taken));
  return { calls: planned, leftOut: mute.flatMap(({ strands }) => strands.map(muteStrand)) };
};

const planCall = (call: ProtoCall, taken: Set<string>): PlannedCall => {
  const { sip } = call;
  // Without signalling leg a is the one that sends first (design §6.7).
  const [first] = [...call.strands].sort(byStart);
  const swapped = sip === undefined && call.legs.b.includes(first!);
  const legs: Record<Leg, readonly Strand[]> = swapped ? { a: call.legs.b, b: call.legs.a } : call.legs;
  const streams = LEGS.flatMap((leg) => streamsOf(leg, legs[leg]));
  return {
    callId: sip?.callId ?? newCallId(first!.flow, first!.firstUs, taken),
    signalled: sip !== undefined,
    from: sip?.from ?? NOBODY,
    to: sip?.to ?? NOBODY,
    ...(sip?.answeredAtUs === undefined ? {} : { answeredAtUs: sip.answeredAtUs }),
    ...(sip?.endedAtUs === undefined ? {} : { endedAtUs: sip.endedAtUs }),
    firstUs: call.firstUs,
    lastUs: call.lastUs,
    streams: streams.sort((left, right) => left.firstUs - right.firstUs || (left.leg < right.leg ? -1 : 1)),
  };
};

const streamsOf = (leg: Leg, strands: readonly Strand[]): PlannedStream[] => {
  const byTrack = new Map<Track, Heard[]>();
  for (const part of strands.flatMap(({ parts }) => parts)) {
    const { track } = part.piece;
    byTrack.set(track, [...(byTrack.get(track) ?? []), part]);
  }
  return [...byTrack].map(([{ flow, ssrc }, parts]) => {
    const { codecs } = parts[0]!;
    const { source, sourcePort, target, targetPort } = flow;
    return {
      key: streamKey(source, sourcePort, target, targetPort, ssrc),
      source,
      sourcePort,
      target,
      targetPort,
      leg,
      path: formatPath(flow),
      ssrc,
      packets: parts.reduce((sum, { piece }) => sum + piece.packets, 0),
      firstUs: Math.min(...parts.map(({ piece }) => piece.firstUs)),
      lastUs: Math.max(...parts.map(({ piece }) => piece.lastUs)),
      codecAt: (payloadType, atUs) => codecs.codecAt(payloadType, atUs),
    };
  });
};

/** `192.0.2.1-4000-192.0.2.2-5000-20260115T093000.000Z`: readable, the same for the same capture, safe in a file name. */
const newCallId = (flow: Flow, firstUs: number, taken: Set<string>): string => {
  const { source, sourcePort, target, targetPort } = flow;
  const time = new Date(Math.max(0, firstUs) / 1000).toISOString().replaceAll(/[-:]/g, '');
  const name = [source, sourcePort, target, targetPort, time].join('-').replaceAll(/[^A-Za-z0-9_.-]/g, '.');
  let callId = name;
  for (let count = 2; taken.has(callId); count++) callId = `${name}-${count}`;
  taken.add(callId);
  return callId;
};

const muteStrand = ({ flow, packets, parts }: Strand): LeftOut => ({
  what: parts.some(({ kind }) => kind === 'events') ? 'telephone-events only' : 'comfort noise only',
  path: formatPath(flow),
  packets,
  why: 'there is no audio in the call to record',
});
