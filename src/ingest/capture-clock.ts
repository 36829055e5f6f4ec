/**
 * Capture times of one call as a clock that never goes back. Packets are read in the order in which they were captured, so a stream that is
 * more than a second behind it has a clock of its own (another interface, a merged capture) or had it set: from there on its times
 * are moved so that it goes on where the call is. Smaller steps are packets a little out of order: they are held at the latest.
 */
const STEP_US = 1_000_000;

export class CaptureClock<Stream> {
  #latestUs = Number.NEGATIVE_INFINITY;
  /** What is added to each stream's times. */
  readonly #shiftsUs = new Map<Stream, number>();
  /** Streams whose times had to be moved, each time counted, for a warning. */
  steps = 0;

  /** @param capturedUs as recorded. @returns µs, never less than before. */
  at(stream: Stream, capturedUs: number): number {
    let shiftUs = this.#shiftsUs.get(stream);
    if (shiftUs === undefined || capturedUs + shiftUs < this.#latestUs - STEP_US) {
      const isNew = shiftUs === undefined;
      const before = shiftUs ?? 0;
      shiftUs = this.#nearest(capturedUs, isNew);
      if (shiftUs !== before) this.steps++;
      this.#shiftsUs.set(stream, shiftUs);
    }
    const atUs = capturedUs + shiftUs;
    if (atUs > this.#latestUs) this.#latestUs = atUs;
    return this.#latestUs;
  }

  /** What other streams of the call are moved by, where that brings this one to where the call is: they share a clock. */
  #nearest(capturedUs: number, isNew: boolean): number {
    if (this.#latestUs === Number.NEGATIVE_INFINITY) return 0;
    const wantedUs = this.#latestUs - capturedUs;
    let nearest = wantedUs;
    let least = STEP_US;
    for (const shiftUs of [...this.#shiftsUs.values(), 0]) {
      const off = Math.abs(shiftUs - wantedUs);
      if (off >= least) continue;
      least = off;
      nearest = shiftUs;
    }
    // A stream that begins later than the call may be the first to be heard for a while: that it is ahead proves nothing.
    if (isNew && nearest === wantedUs && wantedUs < 0) return this.#latestShiftUs();
    return nearest;
  }

  #latestShiftUs(): number {
    return [...this.#shiftsUs.values()].at(-1) ?? 0;
  }
}
