/** When a stream was heard: its bursts of packets, divided by silence. Pure; bounded, by forgetting the shortest silences. */

/** Packets less than this apart belong to one burst … */
const GAP_US = 2_000_000;
/** … or less than this, when signalling was seen in between: one call may end and the next begin on the same ports. */
const SIGNALLED_GAP_US = 300_000;
const MOST_BURSTS = 64;

export type Burst = {
  firstUs: number;
  lastUs: number;
  packets: number;
  /** Its sequence numbers don't follow on those before: the sender began anew. */
  restarts: boolean;
};

export class Activity {
  readonly #bursts: Burst[] = [];
  #current: Burst | undefined;

  get bursts(): readonly Burst[] {
    return this.#bursts;
  }

  /** @param signalledUs when signalling was last seen in this capture. */
  push(atUs: number, signalledUs: number): void {
    const current = this.#current;
    if (current === undefined) {
      this.#begin(atUs, 1, false);
      return;
    }
    const gap = atUs - current.lastUs;
    if (gap > GAP_US || (gap > SIGNALLED_GAP_US && signalledUs > current.lastUs)) {
      this.#begin(atUs, 1, false);
      return;
    }
    current.packets++;
    if (gap > 0) current.lastUs = atUs;
    else if (atUs < current.firstUs) current.firstUs = atUs;
  }

  /** The last `packets` packets, from `sinceUs` on, have turned out to be a new beginning. */
  restart(sinceUs: number, packets: number): void {
    const current = this.#current;
    if (current === undefined) return;
    if (sinceUs <= current.firstUs || packets >= current.packets) {
      current.restarts = true;
      return;
    }
    const { lastUs } = current;
    current.packets -= packets;
    current.lastUs = Math.max(current.firstUs, sinceUs - 1);
    this.#begin(sinceUs, packets, true);
    this.#current!.lastUs = Math.max(sinceUs, lastUs);
  }

  #begin(atUs: number, packets: number, restarts: boolean): void {
    this.#current = { firstUs: atUs, lastUs: atUs, packets, restarts };
    this.#bursts.push(this.#current);
    if (this.#bursts.length > MOST_BURSTS) this.#joinNearest();
  }

  /** Joins the two bursts with the least silence between; a new beginning is kept apart as long as there is another choice. */
  #joinNearest(): void {
    let nearest = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 1; index < this.#bursts.length; index++) {
      const { firstUs, restarts } = this.#bursts[index]!;
      const gap = firstUs - this.#bursts[index - 1]!.lastUs + (restarts ? 1e15 : 0);
      if (gap < least) {
        least = gap;
        nearest = index;
      }
    }
    const [joined] = this.#bursts.splice(nearest, 1);
    const into = this.#bursts[nearest - 1]!;
    into.lastUs = Math.max(into.lastUs, joined!.lastUs);
    into.packets += joined!.packets;
    if (joined === this.#current) this.#current = into;
  }
}
