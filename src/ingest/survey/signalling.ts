/** Which call and leg a path belongs to at a time, by the addresses that SIP and SDP named (RFC 3264 §5.1). Pure; reads, keeps an index. */
import type { Leg } from '../../core/leg.ts';
import type { SipCall } from '../sip/call.ts';
import type { CallSide, SipMedia } from '../sip/media-log.ts';
import type { Path } from './flow.ts';

/** Where signalling puts a path. */
export type Binding = {
  readonly call: SipCall;
  /** Who speaks on the path. */
  readonly leg: Leg;
};

/** Captures are merged from several machines, whose clocks differ a little. */
const EARLY_US = 2_000_000;
/** Media in flight, or sent until the other side's hang-up has arrived. */
const TAIL_US = 5_000_000;

type Entry = { readonly call: SipCall; readonly media: SipMedia };
type Candidate = Binding & { readonly bothEnds: boolean };

export class Signalling {
  readonly #byAddress = new Map<string, Map<number, Entry[]>>();

  constructor(calls: Iterable<SipCall>) {
    for (const call of calls) {
      for (const media of call.media) {
        if (media.port === 0 || media.held || media.address === '') continue;
        const byPort = this.#byAddress.get(media.address) ?? new Map<number, Entry[]>();
        this.#byAddress.set(media.address, byPort);
        const entries = byPort.get(media.port) ?? [];
        byPort.set(media.port, entries);
        entries.push({ call, media });
      }
    }
  }

  /** Whether either end of the path was ever named. */
  names({ source, sourcePort, target, targetPort }: Path): boolean {
    return this.#at(target, targetPort).length > 0 || this.#at(source, sourcePort).length > 0;
  }

  /** What the path's target was named for, at any time: `audio`, `image` … */
  kindsOf({ target, targetPort }: Path): ReadonlySet<string> {
    return new Set(this.#at(target, targetPort).map(({ media }) => media.kind));
  }

  /**
   * The leg by who receives: what goes to the callee's address is what the caller says. Where only the sender's own address is
   * known, as behind a NAT, by who sends; so the mirror image of a path that is known is known, too. Several calls may name one address: ports are used again, and a B2BUA describes the
   * same media in two calls, of which the first in the capture counts.
   */
  bind(path: Path, atUs: number): Binding | undefined {
    const candidates = this.#candidates(path).filter(({ call }) => phaseOf(call, atUs) !== 'off');
    if (candidates.length === 0) return undefined;
    // Sorting keeps the order of equals, which is that of the calls.
    const order = (candidate: Candidate): readonly number[] => [
      phaseOf(candidate.call, atUs) === 'on' ? 0 : 1,
      isSuperseded(candidate.call, candidates, atUs) ? 1 : 0,
      candidate.bothEnds ? 0 : 1,
      candidate.call.answeredAtUs === undefined ? 1 : 0,
    ];
    const [first] = candidates.map((candidate) => ({ candidate, order: order(candidate) })).sort(byOrder);
    return first?.candidate;
  }

  #candidates({ source, sourcePort, target, targetPort }: Path): Candidate[] {
    const sent = this.#at(source, sourcePort);
    const byCall = new Map<SipCall, Candidate>();
    for (const { call, media } of this.#at(target, targetPort)) {
      if (byCall.has(call)) continue;
      const bothEnds = sent.some((other) => other.call === call && other.media.owner !== media.owner);
      byCall.set(call, { call, leg: media.owner === 'callee' ? 'a' : 'b', bothEnds });
    }
    // An address the target's owner never named says more than the sender's own.
    if (byCall.size > 0) return [...byCall.values()];
    for (const { call, media } of sent) {
      if (!byCall.has(call)) byCall.set(call, { call, leg: media.owner === 'caller' ? 'a' : 'b', bothEnds: false });
    }
    return [...byCall.values()];
  }

  #at(address: string, port: number): readonly Entry[] {
    return this.#byAddress.get(address)?.get(port) ?? [];
  }
}

/** Who receives what `leg` says. */
export const listenerOf = (leg: Leg): CallSide => (leg === 'a' ? 'callee' : 'caller');
export const speakerOf = (leg: Leg): CallSide => (leg === 'a' ? 'caller' : 'callee');

const phaseOf = ({ invitedAtUs, endedAtUs }: SipCall, atUs: number): 'on' | 'tail' | 'off' => {
  if (atUs < invitedAtUs - EARLY_US) return 'off';
  if (endedAtUs === undefined || atUs <= endedAtUs) return 'on';
  return atUs <= endedAtUs + TAIL_US ? 'tail' : 'off';
};

/** Its end is missing from the capture, and another call has begun on the same address since it was answered. */
const isSuperseded = (call: SipCall, candidates: readonly Candidate[], atUs: number): boolean => {
  const { answeredAtUs, endedAtUs } = call;
  if (endedAtUs !== undefined || answeredAtUs === undefined) return false;
  return candidates.some(({ call: other }) => other.invitedAtUs > answeredAtUs && other.invitedAtUs <= atUs);
};

const byOrder = (left: { readonly order: readonly number[] }, right: { readonly order: readonly number[] }): number => {
  for (const [index, value] of left.order.entries()) {
    const difference = value - right.order[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
};
