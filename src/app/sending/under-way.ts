/** Tries that are being made, by what they try: each can be ended, and all be waited for. */

type Try = { readonly abort: AbortController; ended: Promise<void> };

export class UnderWay {
  readonly #tries = new Map<string, Try>();

  /** @param run begins at once; must not reject */
  begin(id: string, run: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    const one: Try = { abort, ended: Promise.resolve() };
    this.#tries.set(id, one);
    one.ended = run(abort.signal);
  }

  /** It has come to its end, and may be begun anew. */
  done(id: string): void {
    this.#tries.delete(id);
  }

  /** Resolves when it has ended; at once when there is none. */
  async end(id: string): Promise<void> {
    const one = this.#tries.get(id);
    one?.abort.abort();
    await one?.ended;
  }

  abortAll(): void {
    for (const { abort } of this.#tries.values()) abort.abort();
  }

  /** Resolves when those that are there now have ended. */
  async idle(): Promise<void> {
    await Promise.all([...this.#tries.values()].map(({ ended }) => ended));
  }
}
