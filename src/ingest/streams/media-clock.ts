/**
 * Whether a track's timestamps can place its audio: they have to go on by as much as the audio does. Servers that write no milliseconds
 * there, or always the same, are placed by arrival. Pure.
 */

/** Messages in a row whose timestamps stand still, or as good as. */
const MOST_FAULTS = 3;

export class MediaClock {
  #chunk: number | undefined;
  #timestampMs = Number.NEGATIVE_INFINITY;
  #durationMs = 0;
  #faults = 0;

  /** @param durationMs of the message's audio; 0 where only its codec knows @returns false from then on when they can't */
  trusts(timestampMs: number, chunk: number | undefined, durationMs: number): boolean {
    if (this.#faults >= MOST_FAULTS) return false;
    const isNext = chunk === undefined || this.#chunk === undefined || chunk === this.#chunk + 1;
    if (isNext && this.#durationMs > 0) {
      this.#faults = timestampMs - this.#timestampMs < this.#durationMs / 2 ? this.#faults + 1 : 0;
    }
    this.#chunk = chunk;
    this.#timestampMs = timestampMs;
    this.#durationMs = durationMs;
    return this.#faults < MOST_FAULTS;
  }
}
