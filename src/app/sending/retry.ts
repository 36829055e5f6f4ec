/**
 * What follows from a try (design §6.6): whether and when there is another, exponential with full jitter, no earlier than `Retry-After`,
 * for 72 h; and what it says of its target. Pure.
 */
import type { RandomBytes } from '../../core/ids.ts';
import type { Outcome } from '../../deliver/attempt.ts';
import { DEFAULT_RETRY_PLAN, nextDelayMs, parseRetryAfter, type RetryPlan } from '../../deliver/retry-schedule.ts';
import type { Verdict } from './circuit-breaker.ts';

/** How long something is tried, µs. */
export const PATIENCE_US = 72 * 3600e6;

const PLAN: RetryPlan = {
  ...DEFAULT_RETRY_PLAN,
  maxTries: Number.POSITIVE_INFINITY,
  deadlineMs: PATIENCE_US / 1000,
  jitter: 'full',
};

/** A number in [0, 1). */
export const randomShare = (random: RandomBytes): number => Buffer.from(random(4)).readUInt32LE() / 2 ** 32;

/** What a failed try's target asked for. */
export const retryAfterMsOf = (outcome: Outcome, nowUs: number): number | undefined =>
  outcome.kind === 'taken' || outcome.retryAfter === undefined
    ? undefined
    : parseRetryAfter(outcome.retryAfter, nowUs / 1000);

/** @param before.tries this one included. @returns µs since the Unix epoch; undefined: never */
export const nextTryUs = (
  before: { readonly tries: number; readonly deadlineUs: number },
  outcome: Extract<Outcome, { kind: 'failed' }>,
  nowUs: number,
  random: RandomBytes,
): number | undefined => {
  const { tries, deadlineUs } = before;
  if (!outcome.error.retryable) return undefined;
  const elapsedMs = (nowUs - (deadlineUs - PATIENCE_US)) / 1000;
  const retryAfterMs = retryAfterMsOf(outcome, nowUs);
  const waitMs = nextDelayMs({ tries, elapsedMs, retryAfterMs }, () => randomShare(random), PLAN);
  if (waitMs === undefined) return undefined;
  // A target that asks for more than the plan's longest wait gets it, up to a last try at the deadline.
  return nowUs + Math.max(waitMs, Math.min(retryAfterMs ?? 0, (deadlineUs - nowUs) / 1000)) * 1000;
};

/** Statuses by which a target says no more than that this request took it too long, or came too early. */
const OF_ONE_REQUEST: ReadonlySet<number> = new Set([408, 425]);

/** A refusal of one file (4xx, a circle of redirects) is an answer; refused connections, silence, 5xx and 429 are of all of the target. */
export const verdictOf = (outcome: Outcome): Verdict => {
  if (outcome.kind === 'taken') return 'answers';
  const { error, status } = outcome;
  if (error.fault !== 'target') return 'unknown';
  return !error.retryable || (status !== undefined && OF_ONE_REQUEST.has(status)) ? 'answers' : 'fails';
};
