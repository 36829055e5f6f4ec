/**
 * Capture times as a clock that never goes back. A step back of more than a second is the capturing machine's clock being set: what
 * follows is moved so that it goes on where it was. Smaller ones are packets a little out of order: they are held at the latest.
 */
const STEP_US = 1_000_000;

export class CaptureClock {
  #latestUs = Number.NEGATIVE_INFINITY;
  #shiftUs = 0;
  /** Steps back so far, for a warning. */
  steps = 0;

  /** @param capturedUs as recorded. @returns µs, never less than before. */
  at(capturedUs: number): number {
    const atUs = capturedUs + this.#shiftUs;
    if (atUs < this.#latestUs - STEP_US) {
      this.steps++;
      this.#shiftUs += this.#latestUs - atUs;
      return this.#latestUs;
    }
    if (atUs > this.#latestUs) this.#latestUs = atUs;
    return this.#latestUs;
  }
}
