/** Masks and unmasks a share of the calls, each once a second and not all at once, and notes how long each took to be durable. */

const STEP_MS = 50;

export class Toggling {
  readonly answersMs: number[] = [];
  /** What was answered by an error: not on disk in time, say. */
  refused = 0;
  readonly #uuids: readonly string[];
  readonly #act: (uuid: string, action: 'mask' | 'unmask') => Promise<unknown>;
  readonly #masked = new Set<string>();
  #turns = 0;

  /** @param share of the calls; 0: none. Begins at once, and goes on for as long as the process does. */
  constructor(
    uuids: readonly string[],
    share: number,
    act: (uuid: string, action: 'mask' | 'unmask') => Promise<unknown>,
  ) {
    this.#uuids = uuids.slice(0, Math.round(share * uuids.length));
    this.#act = act;
    if (this.#uuids.length > 0) setInterval(() => this.step(performance.now()), STEP_MS).unref();
  }

  /** Does what is due. @param nowMs since the process began */
  step(nowMs: number): void {
    const count = this.#uuids.length;
    const due = Math.floor((nowMs * count) / 1000);
    // What a stall has left out is left out.
    if (due - this.#turns > count) this.#turns = due - count;
    for (; this.#turns < due; this.#turns++) void this.#toggle(this.#uuids[this.#turns % count]);
  }

  async #toggle(uuid: string): Promise<void> {
    const isMasked = this.#masked.has(uuid);
    if (isMasked) this.#masked.delete(uuid);
    else this.#masked.add(uuid);
    const askedAt = performance.now();
    try {
      await this.#act(uuid, isMasked ? 'unmask' : 'mask');
    } catch {
      this.refused++;
    }
    this.answersMs.push(performance.now() - askedAt);
  }
}
