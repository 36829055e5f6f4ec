/**
 * The watch of this thread's loop and of another's that reads streams for it, as one: what is read now may have waited since the earlier of
 * what they say, and what is kept is let go of when both have read what waited. A call of which the other reads nothing is held by its own
 * thread alone. Pure. Times in µs.
 */
import type { Holder, LoopWatch } from './loop-watch.ts';

export class JointWatch {
  readonly #own: LoopWatch;
  readonly #elsewhere: LoopWatch;
  readonly #joints = new Map<Holder, Joint>();

  constructor(own: LoopWatch, elsewhere: LoopWatch) {
    this.#own = own;
    this.#elsewhere = elsewhere;
  }

  /** Since when what is read now may have waited: `nowUs` itself while the loops go round. @param isBoth the other reads some of it */
  sinceUs(nowUs: number, isBoth: boolean): number {
    const sinceUs = this.#own.sinceUs(nowUs);
    return isBoth ? Math.min(sinceUs, this.#elsewhere.sinceUs(nowUs)) : sinceUs;
  }

  /** As `LoopWatch.hold`. @param isBoth until both have read what waits */
  hold(holder: Holder, isBoth: boolean): void {
    let joint = this.#joints.get(holder);
    if (joint === undefined) {
      joint = new Joint(holder, () => this.#joints.delete(holder));
      this.#joints.set(holder, joint);
    }
    joint.wait('own', this.#own);
    if (isBoth) joint.wait('elsewhere', this.#elsewhere);
  }
}

/** One holder, told of what both have let go. */
class Joint {
  readonly #holder: Holder;
  readonly #onFree: () => void;
  /** What each has read until then, of what it is waited for. */
  readonly #readUs = { own: Number.POSITIVE_INFINITY, elsewhere: Number.POSITIVE_INFINITY };
  readonly #parts = { own: this.#part('own'), elsewhere: this.#part('elsewhere') };

  constructor(holder: Holder, onFree: () => void) {
    this.#holder = holder;
    this.#onFree = onFree;
  }

  wait(whom: 'own' | 'elsewhere', watch: LoopWatch): void {
    // It had read everything; not what comes now.
    if (this.#readUs[whom] === Number.POSITIVE_INFINITY) this.#readUs[whom] = Number.NEGATIVE_INFINITY;
    watch.hold(this.#parts[whom]);
  }

  #part(whom: 'own' | 'elsewhere'): Holder {
    return {
      letGo: (readUs) => {
        this.#readUs[whom] = readUs ?? Number.POSITIVE_INFINITY;
        this.#tell();
      },
    };
  }

  #tell(): void {
    const readUs = Math.min(this.#readUs.own, this.#readUs.elsewhere);
    // One of them has not said anything yet.
    if (readUs === Number.NEGATIVE_INFINITY) return;
    if (readUs < Number.POSITIVE_INFINITY) this.#holder.letGo(readUs);
    else {
      this.#onFree();
      this.#holder.letGo(undefined);
    }
  }
}
