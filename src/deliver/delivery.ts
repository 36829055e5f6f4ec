/**
 * Delivers a finished file to its target with a few retries, in memory: the loop around `attempt` and `nextDelayMs`.
 * Never deletes or changes the file.
 */
import type { Clock } from '../core/clock.ts';
import { AppError, asAppError } from '../core/errors.ts';
import { attempt, DEFAULT_TRY_LIMITS, type Load, type TryLimits } from './attempt.ts';
import { formatContentDigest, measure } from './content-digest.ts';
import { type Resolve, systemResolve } from './dialler.ts';
import type { Parcel } from './parcel.ts';
import { requestUrl } from './request-url.ts';
import { DEFAULT_RETRY_PLAN, nextDelayMs, parseRetryAfter, type RetryPlan } from './retry-schedule.ts';
import { checkUrl, type TargetPolicy } from './target-address.ts';

export type TryReport = {
  /** Tries made so far, this one included. */
  readonly tries: number;
  /** The target's last status, when there was one. */
  readonly status?: number;
  /** Absent when the file was taken. */
  readonly error?: AppError;
  /** When there will be another try, how long until then. */
  readonly retryInMs?: number;
};

export type DeliverOptions = {
  /** The customer's URL, before Kazoo's name and parameters are added. */
  readonly url: string;
  readonly method: 'put' | 'post';
  readonly policy: TargetPolicy;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly maxTries?: number;
  /** No retry begins later than this after the first try. */
  readonly deadlineMs?: number;
  readonly limits?: Partial<TryLimits>;
  readonly resolve?: Resolve;
  /** Called after each try; must not throw. */
  readonly onTry?: (report: TryReport) => void;
  readonly signal?: AbortSignal;
};

export type DeliveryResult = {
  readonly state: 'delivered' | 'failed';
  /** 0 when the URL or the file was refused before anything was sent. */
  readonly tries: number;
  /** The target's last status, when there was one. */
  readonly status?: number;
  /** Why it failed; absent when delivered. */
  readonly error?: AppError;
  /** When it ended, in microseconds since the Unix epoch. */
  readonly atUs: number;
};

/** @throws TARGET_FORBIDDEN, INPUT_MISSING; ARTEFACT_MISMATCH for another file than is expected; the signal's reason */
export const prepare = async (parcel: Parcel, options: DeliverOptions): Promise<Load> => {
  const url = checkUrl(requestUrl(options.url, parcel), options.policy);
  const { sha256, size } = await measure(parcel.source, options.signal);
  const { expected = { sha256: sha256.toString('hex'), bytes: size } } = parcel;
  if (expected.bytes !== size)
    throw new AppError(
      'ARTEFACT_MISMATCH',
      `not delivered: ${size} bytes are there where ${expected.bytes} were written`,
    );
  if (expected.sha256 !== sha256.toString('hex'))
    throw new AppError('ARTEFACT_MISMATCH', 'not delivered: the file does not hold what was written');
  return {
    url,
    method: options.method === 'put' ? 'PUT' : 'POST',
    body: parcel.source,
    size,
    headers: {
      'Content-Type': parcel.contentType,
      'Content-Digest': formatContentDigest(sha256),
      'Idempotency-Key': parcel.recordingId,
      'X-Recording-Id': parcel.recordingId,
      'User-Agent': 'record-call',
    },
  };
};

/** Rejects only with the reason of `options.signal`; every failure is a result. */
export const deliver = async (parcel: Parcel, options: DeliverOptions): Promise<DeliveryResult> => {
  const { clock, random, policy, signal, onTry } = options;
  const resolve = options.resolve ?? systemResolve;
  const limits: TryLimits = { ...DEFAULT_TRY_LIMITS, ...options.limits };
  const plan: RetryPlan = {
    ...DEFAULT_RETRY_PLAN,
    ...(options.maxTries === undefined ? {} : { maxTries: options.maxTries }),
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
  };
  signal?.throwIfAborted();

  let load: Load;
  try {
    load = await prepare(parcel, options);
  } catch (error) {
    signal?.throwIfAborted();
    return { state: 'failed', tries: 0, error: asAppError(error), atUs: clock.now() };
  }

  const beganUs = clock.now();
  for (let tries = 1; ; tries++) {
    const outcome = await attempt(load, { policy, resolve, limits, signal });
    const atUs = clock.now();
    if (outcome.kind === 'taken') {
      onTry?.({ tries, status: outcome.status });
      return { state: 'delivered', tries, status: outcome.status, atUs };
    }
    const { error, retryAfter } = outcome;
    const failure = outcome.status === undefined ? { error } : { error, status: outcome.status };
    const retryAfterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, atUs / 1000);
    const failed = { tries, elapsedMs: (atUs - beganUs) / 1000, retryAfterMs };
    const retryInMs = error.retryable ? nextDelayMs(failed, random, plan) : undefined;
    if (retryInMs === undefined) {
      onTry?.({ tries, ...failure });
      return { state: 'failed', tries, ...failure, atUs };
    }
    onTry?.({ tries, ...failure, retryInMs });
    await clock.sleep(retryInMs, signal);
  }
};
