/** What a dialect says once at most: that its stream has ended, and each of its warnings, of which there are so many at most. Pure. */
import type { StreamSink } from './stream-dialect.ts';

const MOST_WARNINGS = 8;

export class SaidOnce {
  #hasEnded = false;
  readonly #sink: Pick<StreamSink, 'end' | 'warn'>;
  readonly #mostWarnings: number;
  readonly #warned = new Set<string>();

  constructor(sink: Pick<StreamSink, 'end' | 'warn'>, mostWarnings = MOST_WARNINGS) {
    this.#sink = sink;
    this.#mostWarnings = mostWarnings;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#sink.end(reason);
  }

  warn(message: string): void {
    if (this.#warned.has(message) || this.#warned.size >= this.#mostWarnings) return;
    this.#warned.add(message);
    this.#sink.warn(message);
  }
}
