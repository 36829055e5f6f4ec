/**
 * Feels a service's pulse: how long it takes to answer, at most. A machine that has more to do than it can has its programs stand still; what a
 * service could not take in meanwhile it has not lost.
 */
const EVERY_MS = 40;

export class Pulse {
  readonly #sent = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #longestMs = 0;

  constructor(url: string) {
    this.#timer = setInterval(() => void this.#beat(url), EVERY_MS);
  }

  /** Ends it. @returns the longest that an answer took, or has taken so far, ms. */
  stop(): number {
    clearInterval(this.#timer);
    const nowMs = performance.now();
    for (const sentMs of this.#sent) this.#took(nowMs - sentMs);
    this.#sent.clear();
    return this.#longestMs;
  }

  async #beat(url: string): Promise<void> {
    const sentMs = performance.now();
    this.#sent.add(sentMs);
    try {
      await (await fetch(`${url}/healthz`)).arrayBuffer();
      if (this.#sent.delete(sentMs)) this.#took(performance.now() - sentMs);
    } catch {
      // It was killed meanwhile.
    }
  }

  #took(ms: number): void {
    this.#longestMs = Math.max(this.#longestMs, ms);
  }
}
