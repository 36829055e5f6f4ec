/**
 * The digits of a code that was typed, for the action they are meant for. They may be card data (design rule 10): private fields keep
 * them out of JSON, logs and inspection; only who asks by name gets them.
 */
export class TypedDigits {
  readonly #collected: string;
  readonly #captures: readonly string[] | undefined;

  /** @param captures what a pattern's groups took; none for a number. */
  constructor(collected: string, captures?: readonly string[]) {
    this.#collected = collected;
    this.#captures = captures;
  }

  /** All that was typed after the binding digit. */
  get collected(): string {
    return this.#collected;
  }

  get captures(): readonly string[] | undefined {
    return this.#captures;
  }

  /** An action's data with Kazoo's additions: `dtmf_leg` always, `collected` and `captures` for a pattern. Not for `record_call`. */
  injectedInto(data: Readonly<Record<string, unknown>>, dtmfLeg: string): Record<string, unknown> {
    const typed = this.#captures === undefined ? {} : { collected: this.#collected, captures: [...this.#captures] };
    return { ...data, ...typed, dtmf_leg: dtmfLeg };
  }
}
