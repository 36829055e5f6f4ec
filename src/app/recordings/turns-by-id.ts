/** What is done for one id, one after another, in the order of asking. What is done for another id never waits for it. */

export class TurnsById {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Begins `work` at once when nothing is under way for the id. @throws what `work` throws; another's error is the other's */
  run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id);
    const again = (): Promise<T> => work();
    const turn = before === undefined ? work() : before.then(again, again);
    const forget = (): void => {
      if (this.#last.get(id) === turn) this.#last.delete(id);
    };
    this.#last.set(id, turn);
    turn.then(forget, forget);
    return turn;
  }

  /** Resolves when nothing is under way, for the id or, without, for any. */
  async idle(id?: string): Promise<void> {
    const turns = (): Promise<unknown>[] =>
      id === undefined ? [...this.#last.values()] : [this.#last.get(id) ?? []].flat();
    for (let left = turns(); left.length > 0; left = turns()) await Promise.allSettled(left);
  }
}
