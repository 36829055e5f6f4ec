/**
 * Notices that the event loop stood still: packets that came meanwhile waited in their sockets, one leg's are read before another's, and
 * none says how long it waited. A few turns of the loop later all of them have been read. Ticked every few milliseconds, at most once
 * in a turn; pure. Times in µs.
 */

/** How often it is to be ticked. */
export const LOOK_MS = 5;
/** Ticks later than this are noticed: a frame's length. */
const NOTICED_US = 20_000;
/** What waited has been read after so many turns … */
const TURNS = 3;
/** … and one more for each of these: a turn takes 32 packets from a socket (libuv), 20 ms each. */
const READ_IN_A_TURN_US = 640_000;
/**
 * What comes by TCP waits in its sender too, once this end's buffers are full, and comes when they have room: a share of the time that the
 * loop stood still, a few round trips of any path at most.
 */
export const TCP_SETTLE = { share: 1 / 4, mostUs: 250_000 } as const;

/** How long after a stall something may still come that waited elsewhere; nothing unless said. */
export type Settle = { readonly share: number; readonly mostUs: number };

/** Keeps what is read while something may still wait. @param readUs let go of what was read until then; undefined: of everything. */
export type Holder = { letGo(readUs: number | undefined): void };

export class LoopWatch {
  #tickUs: number;
  /** Oldest first: since when the loop stood still, and turns until what waited has been read. */
  #stalls: { readonly fromUs: number; turns: number; readonly settledUs: number }[] = [];
  /** When the last ticks were, latest last; what was read until the first needs to wait no more. */
  readonly #ticks: number[] = new Array(TURNS + 1).fill(Number.NEGATIVE_INFINITY);
  readonly #settle: Settle;
  #holders = new Set<Holder>();

  /** @param nowUs infinite: it rests */
  constructor(nowUs: number, settle: Settle = { share: 0, mostUs: 0 }) {
    this.#tickUs = nowUs;
    this.#settle = settle;
  }

  /** The loop goes round. */
  tick(nowUs: number): void {
    const { share, mostUs } = this.#settle;
    for (const stall of this.#stalls) stall.turns--;
    this.#stalls = this.#stalls.filter(({ turns, settledUs }) => turns > 0 || nowUs < settledUs);
    const lateUs = nowUs - this.#tickUs;
    if (lateUs > NOTICED_US) {
      this.#stalls.push({
        fromUs: this.#tickUs,
        turns: TURNS + Math.floor(lateUs / READ_IN_A_TURN_US),
        settledUs: nowUs + Math.min(mostUs, lateUs * share),
      });
    }
    this.#tickUs = nowUs;
    this.#ticks.push(nowUs);
    while (this.#ticks.length > TURNS + 1 && this.#ticks[1]! <= nowUs - mostUs) this.#ticks.shift();
    if (this.#holders.size > 0) this.#release();
  }

  /** Since when a packet that is read now may have waited: `nowUs` itself while the loop goes round. */
  sinceUs(nowUs: number): number {
    const oldest = this.#stalls[0];
    if (oldest !== undefined) return oldest.fromUs;
    return nowUs - this.#tickUs > NOTICED_US ? this.#tickUs : nowUs;
  }

  /** It is ticked no more, for nothing comes that it reads: nothing waits. It may be ticked again. */
  rest(): void {
    this.#stalls = [];
    this.#tickUs = Number.POSITIVE_INFINITY;
    this.#release();
  }

  /** Tells the holder, turn by turn, what it may let go of, until it has been told of everything. */
  hold(holder: Holder): void {
    if (Number.isFinite(this.#tickUs)) this.#holders.add(holder);
    else holder.letGo(undefined);
  }

  #release(): void {
    if (this.#stalls.length > 0) {
      // A loop that stands still again and again must not keep everything in memory.
      for (const holder of this.#holders) holder.letGo(this.#ticks[0]);
      return;
    }
    const holders = this.#holders;
    this.#holders = new Set();
    for (const holder of holders) holder.letGo(undefined);
  }
}
