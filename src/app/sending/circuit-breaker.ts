/**
 * Whether one target may be tried: a circuit breaker. Pure: time (µs since the Unix epoch) and randomness are arguments.
 *
 *     closed ── failures in a row ──▶ open ── its wait is over ──▶ half-open, one probe ── answered ──▶ closed
 *                                      ▲                                   │
 *                                      └──────── failed: twice as long ────┘
 */

export type CircuitState = 'closed' | 'open' | 'half-open';

/** What a try says of its target: it answers, it fails as a whole, or nothing, as when the fault is ours or the try was ended. */
export type Verdict = 'answers' | 'fails' | 'unknown';

/** `probe`: what the state after it hangs on. */
export type Ticket = 'try' | 'probe';

export type BreakerPlan = {
  /** In a row, until it opens. */
  readonly failures: number;
  /** How long it is open at first, and at the longest; half of it is random. */
  readonly firstMs: number;
  readonly ceilingMs: number;
};

/** What a target asks for by `Retry-After` holds for all that waits for it, up to this. */
const LONGEST_HOLD_MS = 600_000;

export class CircuitBreaker {
  readonly #plan: BreakerPlan;
  /** In a row. */
  #failures = 0;
  #timesOpened = 0;
  #openUntilUs = Number.NEGATIVE_INFINITY;
  #downSinceUs: number | undefined;
  #isProbed = false;

  constructor(plan: BreakerPlan) {
    this.#plan = plan;
  }

  /** Undefined: it is not. */
  get downSinceUs(): number | undefined {
    return this.#downSinceUs;
  }

  /** When it may be probed; in the past when it may be tried or probed now. */
  get openUntilUs(): number {
    return this.#openUntilUs;
  }

  /** As good as new. */
  get isFresh(): boolean {
    return this.#downSinceUs === undefined && this.#failures === 0;
  }

  stateAt(nowUs: number): CircuitState {
    if (this.#downSinceUs === undefined) return 'closed';
    return this.#isProbed || nowUs >= this.#openUntilUs ? 'half-open' : 'open';
  }

  mayBegin(nowUs: number): boolean {
    return this.#downSinceUs === undefined || (!this.#isProbed && nowUs >= this.#openUntilUs);
  }

  /** A try begins, which `mayBegin` has allowed; `end` is told of it. */
  begin(): Ticket {
    if (this.#downSinceUs === undefined) return 'try';
    this.#isProbed = true;
    return 'probe';
  }

  /**
   * @param seen.share a number in [0, 1). @param seen.retryAfterMs what the target asked for
   * @returns what has changed by this try
   */
  end(
    ticket: Ticket,
    verdict: Verdict,
    seen: { readonly nowUs: number; readonly share: number; readonly retryAfterMs?: number | undefined },
  ): 'down' | 'up' | undefined {
    if (ticket === 'probe') this.#isProbed = false;
    switch (verdict) {
      case 'unknown':
        return undefined;
      case 'answers':
        return this.#close();
      case 'fails':
        return this.#fail(ticket, seen);
      default:
        return verdict satisfies never;
    }
  }

  /** Somebody says that it is up: the next try is a probe, at once. */
  allowProbe(nowUs: number): void {
    this.#openUntilUs = Math.min(this.#openUntilUs, nowUs);
  }

  #close(): 'up' | undefined {
    const wasDown = this.#downSinceUs !== undefined;
    this.#failures = 0;
    this.#timesOpened = 0;
    this.#downSinceUs = undefined;
    this.#openUntilUs = Number.NEGATIVE_INFINITY;
    return wasDown ? 'up' : undefined;
  }

  #fail(ticket: Ticket, seen: Parameters<CircuitBreaker['end']>[2]): 'down' | undefined {
    // One that began before it was down tells nothing new.
    if (this.#downSinceUs !== undefined && ticket === 'try') return undefined;
    if (this.#downSinceUs === undefined && ++this.#failures < this.#plan.failures) return undefined;
    const { firstMs, ceilingMs } = this.#plan;
    const wholeMs = Math.min(firstMs * 2 ** this.#timesOpened++, ceilingMs);
    const waitMs = wholeMs * (0.5 + seen.share / 2);
    const holdMs = Math.min(seen.retryAfterMs ?? 0, LONGEST_HOLD_MS);
    this.#openUntilUs = seen.nowUs + Math.max(waitMs, holdMs) * 1000;
    if (this.#downSinceUs !== undefined) return undefined;
    this.#downSinceUs = seen.nowUs;
    return 'down';
  }
}
