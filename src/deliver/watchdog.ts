/** Ends a try that takes too long or makes no progress, by its signal. Runs on real time, as the sockets do. */
import { AppError } from '../core/errors.ts';

export class Watchdog {
  /** Aborts with a TARGET_UNREACHABLE, or with the outer signal's reason. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #whole: NodeJS.Timeout;
  readonly #idleMs: number;
  #idle: NodeJS.Timeout | undefined;
  #host: string;

  /**
   * @param limits `tryMs` for everything; `idleMs` without progress, counted from the first `progress()`.
   * @param host who gets the blame; `blame()` changes it.
   */
  constructor(limits: { tryMs: number; idleMs: number }, host: string, outer?: AbortSignal) {
    this.#host = host;
    this.#idleMs = limits.idleMs;
    this.#whole = setTimeout(() => this.#end(`was not done within ${limits.tryMs / 1000} s`), limits.tryMs);
    this.signal = outer ? AbortSignal.any([outer, this.#controller.signal]) : this.#controller.signal;
  }

  blame(host: string): void {
    this.#host = host;
  }

  /** The target took something, or said something. */
  progress(): void {
    clearTimeout(this.#idle);
    const complaint = `took nothing and said nothing for ${this.#idleMs / 1000} s`;
    this.#idle = setTimeout(() => this.#end(complaint), this.#idleMs);
  }

  /** Nothing is awaited from the target for now. */
  rest(): void {
    clearTimeout(this.#idle);
  }

  close(): void {
    this.rest();
    clearTimeout(this.#whole);
  }

  #end(complaint: string): void {
    this.#controller.abort(new AppError('TARGET_UNREACHABLE', `${this.#host} ${complaint}`));
  }
}
