/**
 * How far a call's journals lag behind its media, and what follows. Memory is bounded: a disk that does not keep up costs frames,
 * counted and told, and never the thread that takes in media, nor a mask. Pure.
 *
 *     none ──half of the bound──▶ behind ──the bound──▶ dropping ──half──▶ behind ──a quarter──▶ none
 */

export type Lag = 'none' | 'behind' | 'dropping';

export type LagBounds = {
  /** What one call may have in memory that is not on disk. */
  readonly callBytes: number;
  /** What all calls may have together; each has an equal share. */
  readonly totalBytes: number;
};

/** Three and a half minutes of two G.711 legs; 64 such calls at once. */
export const DEFAULT_LAG_BOUNDS: LagBounds = { callBytes: 4 << 20, totalBytes: 256 << 20 };

/** A share is never less: what gathers between two flushes is no lag. */
const LEAST_SHARE_BYTES = 256 << 10;

export class JournalLag {
  readonly #bounds: LagBounds;
  #state: Lag = 'none';

  constructor(bounds: LagBounds) {
    this.#bounds = bounds;
  }

  get state(): Lag {
    return this.#state;
  }

  /** @param calls how many share the memory, this one included. @returns whether the state has changed. */
  look(pendingBytes: number, calls: number): boolean {
    const { callBytes, totalBytes } = this.#bounds;
    const bound = Math.max(LEAST_SHARE_BYTES, Math.min(callBytes, totalBytes / calls));
    const before = this.#state;
    if (pendingBytes >= bound) this.#state = 'dropping';
    else if (pendingBytes >= bound / 2) this.#state = before === 'dropping' ? 'dropping' : 'behind';
    else if (pendingBytes >= bound / 4) this.#state = before === 'none' ? 'none' : 'behind';
    else this.#state = 'none';
    return this.#state !== before;
  }
}
