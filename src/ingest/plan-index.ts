/** Finds which stream of which call of a plan a packet belongs to. */
import type { Datagram } from './datagram.ts';
import type { CapturePlan, PlannedCall, PlannedStream } from './plan.ts';
import { StreamIndex } from './stream-index.ts';

export type Planned = { readonly stream: PlannedStream; readonly call: PlannedCall };

export class PlanIndex {
  /** More than one where ports and SSRC came again in a later call. */
  readonly #streams = new StreamIndex<Planned[]>();

  constructor({ calls }: Pick<CapturePlan, 'calls'>) {
    for (const call of calls) {
      for (const stream of call.streams) {
        const { source, sourcePort, target, targetPort, ssrc } = stream;
        const known = this.#streams.get(source, sourcePort, target, targetPort, ssrc);
        if (known === undefined) this.#streams.set(source, sourcePort, target, targetPort, ssrc, [{ stream, call }]);
        else known.push({ stream, call });
      }
    }
  }

  /** @returns undefined for a packet that is in no call. */
  find({ source, sourcePort, target, targetPort, atUs }: Datagram, ssrc: number): Planned | undefined {
    const known = this.#streams.get(source, sourcePort, target, targetPort, ssrc);
    if (known === undefined || known.length === 1) return known?.[0];
    // The one whose time it is, else the first.
    return known.findLast(({ stream }) => stream.firstUs <= atUs) ?? known[0];
  }
}
