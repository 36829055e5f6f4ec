/**
 * When a failed delivery is tried again (design §6.7): after 1 s, doubling to 10 min, with jitter, no earlier than `Retry-After` asks.
 * Pure: the caller brings time and randomness, and has decided that another try could help.
 */

export type RetryPlan = {
  /** Tries in all, the first included; at least 1, `Infinity` for no limit. */
  readonly maxTries: number;
  /** No retry begins later than this after the first try began; `Infinity` for no limit. */
  readonly deadlineMs: number;
  readonly firstMs: number;
  /** The longest wait, also when `Retry-After` asks for more. */
  readonly ceilingMs: number;
  /** `equal`: the second half of the wait is random. `full`: all of it is. */
  readonly jitter: 'equal' | 'full';
};

export const DEFAULT_RETRY_PLAN: RetryPlan = {
  maxTries: 5,
  deadlineMs: Number.POSITIVE_INFINITY,
  firstMs: 1000,
  ceilingMs: 600_000,
  jitter: 'equal',
};

export type FailedTry = {
  /** How many tries have been made, at least 1. */
  readonly tries: number;
  /** Since the first try began. */
  readonly elapsedMs: number;
  /** What the target asked for. */
  readonly retryAfterMs?: number | undefined;
};

/**
 * @param random a number in [0, 1), once per call.
 * @returns how long to wait before the next try, or `undefined` to give up.
 */
export const nextDelayMs = (failed: FailedTry, random: () => number, plan: RetryPlan): number | undefined => {
  if (failed.tries >= plan.maxTries) return undefined;
  const wholeMs = Math.min(plan.firstMs * 2 ** (failed.tries - 1), plan.ceilingMs);
  const fixedMs = plan.jitter === 'equal' ? wholeMs / 2 : 0;
  const jitteredMs = fixedMs + random() * (wholeMs - fixedMs);
  const delayMs = Math.round(Math.max(jitteredMs, Math.min(failed.retryAfterMs ?? 0, plan.ceilingMs)));
  return failed.elapsedMs + delayMs > plan.deadlineMs ? undefined : delayMs;
};

/** The one date form that servers may generate, `Sun, 06 Nov 1994 08:49:37 GMT`. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
 * @param nowMs milliseconds since the Unix epoch.
 * @returns milliseconds from now, 0 for a date that is past; `undefined` when the value is neither.
 */
export const parseRetryAfter = (value: string, nowMs: number): number | undefined => {
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = IMF_FIXDATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
};
