/** A call in the making: strands that are known to belong together. Legs keep their names only where signalling gave them. Pure. */
import { LEGS, type Leg, otherLeg } from '../../core/leg.ts';
import type { SipCall } from '../sip/call.ts';
import type { Strand } from './strand.ts';

export class ProtoCall {
  readonly sip: SipCall | undefined;
  readonly legs: Record<Leg, Strand[]> = { a: [], b: [] };

  constructor(sip: SipCall | undefined, a: readonly Strand[] = [], b: readonly Strand[] = []) {
    this.sip = sip;
    this.legs.a.push(...a);
    this.legs.b.push(...b);
  }

  get strands(): readonly Strand[] {
    return [...this.legs.a, ...this.legs.b];
  }

  get firstUs(): number {
    return Math.min(...this.strands.map(({ firstUs }) => firstUs));
  }

  get lastUs(): number {
    return Math.max(...this.strands.map(({ lastUs }) => lastUs));
  }

  get order(): number {
    return Math.min(...this.strands.map(({ order }) => order));
  }

  legOf(strand: Strand): Leg | undefined {
    return LEGS.find((leg) => this.legs[leg].includes(strand));
  }

  /** The leg that has nothing, when the other one has something. */
  get emptyLeg(): Leg | undefined {
    return LEGS.find((leg) => this.legs[leg].length === 0 && this.legs[otherLeg(leg)].length > 0);
  }
}

/** In the order calls began: by their INVITE where there is one. */
export const byBeginning = (left: ProtoCall, right: ProtoCall): number =>
  beginning(left) - beginning(right) || left.order - right.order;

const beginning = (call: ProtoCall): number => call.sip?.invitedAtUs ?? call.firstUs;
