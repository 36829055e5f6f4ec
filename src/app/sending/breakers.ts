/** The circuits of all targets that have failed lately. Pure: those that haven't are closed, and nobody remembers them. */
import { type BreakerPlan, CircuitBreaker, type CircuitState, type Ticket, type Verdict } from './circuit-breaker.ts';

/** The one that failed longest ago is forgotten. */
const MOST = 10_000;

export class Breakers {
  readonly #plan: BreakerPlan;
  readonly #byTarget = new Map<string, CircuitBreaker>();

  constructor(plan: BreakerPlan) {
    this.#plan = plan;
  }

  get targetsDown(): number {
    return [...this.#byTarget.values()].filter(({ downSinceUs }) => downSinceUs !== undefined).length;
  }

  stateAt(target: string, nowUs: number): CircuitState {
    return this.#byTarget.get(target)?.stateAt(nowUs) ?? 'closed';
  }

  downSinceUs(target: string): number | undefined {
    return this.#byTarget.get(target)?.downSinceUs;
  }

  /** When it may be probed, if it is down. */
  openUntilUs(target: string): number {
    return this.#byTarget.get(target)?.openUntilUs ?? Number.NEGATIVE_INFINITY;
  }

  mayBegin(target: string, nowUs: number): boolean {
    return this.#byTarget.get(target)?.mayBegin(nowUs) ?? true;
  }

  begin(target: string): Ticket {
    return this.#byTarget.get(target)?.begin() ?? 'try';
  }

  /** @returns what has changed by this try */
  end(
    target: string,
    ticket: Ticket,
    verdict: Verdict,
    seen: Parameters<CircuitBreaker['end']>[2],
  ): 'down' | 'up' | undefined {
    let breaker = this.#byTarget.get(target);
    if (breaker === undefined && verdict !== 'fails') return undefined;
    breaker ??= this.#made(target);
    const change = breaker.end(ticket, verdict, seen);
    if (breaker.isFresh) this.#byTarget.delete(target);
    return change;
  }

  allowProbe(target: string, nowUs: number): void {
    this.#byTarget.get(target)?.allowProbe(nowUs);
  }

  forget(target: string): void {
    this.#byTarget.delete(target);
  }

  #made(target: string): CircuitBreaker {
    const [oldest] = this.#byTarget.keys();
    if (oldest !== undefined && this.#byTarget.size >= MOST) this.#byTarget.delete(oldest);
    const breaker = new CircuitBreaker(this.#plan);
    this.#byTarget.set(target, breaker);
    return breaker;
  }
}
