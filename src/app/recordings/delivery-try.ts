/**
 * One try to deliver a recording, and what is noted of it in the store: delivered, to be tried again and when (design §6.6: exponential
 * with full jitter, no earlier than `Retry-After`, for 72 h), or failed, at once where the target refuses for good.
 */
import type { Clock } from '../../core/clock.ts';
import { asAppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { AllowList } from '../../deliver/allow-list.ts';
import { attempt, DEFAULT_TRY_LIMITS, type Outcome, type TryLimits } from '../../deliver/attempt.ts';
import { prepare } from '../../deliver/delivery.ts';
import { type Resolve, systemResolve } from '../../deliver/dialler.ts';
import { DEFAULT_RETRY_PLAN, nextDelayMs, parseRetryAfter, type RetryPlan } from '../../deliver/retry-schedule.ts';
import type { DeliveryRow, RecordingRow } from '../../store/rows.ts';
import { parcelOf } from './parcel.ts';
import { endState, inState, lastingError } from './recording-row.ts';
import { hostOf } from './recording-view.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

/** How long a target is tried, µs. */
export const PATIENCE_US = 72 * 3600e6;
const PLAN: RetryPlan = {
  ...DEFAULT_RETRY_PLAN,
  maxTries: Number.POSITIVE_INFINITY,
  deadlineMs: PATIENCE_US / 1000,
  jitter: 'full',
};

export type DeliveryTryOptions = {
  readonly store: ShelfStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly allow: AllowList;
  readonly turns: WriteTurns;
  readonly teller: Teller;
  readonly limits?: Partial<TryLimits>;
  readonly resolve?: Resolve;
};

/** @returns when it is to be tried again, if it is. @throws the signal's reason; what the store refuses for good */
export const tryDelivery = async (
  accountId: string,
  id: string,
  signal: AbortSignal,
  options: DeliveryTryOptions,
): Promise<number | undefined> => {
  const { store, turns } = options;
  const [row, delivery] = await turns.patiently(() =>
    Promise.all([store.recordings.get(accountId, id), store.deliveries.get(id)]),
  );
  if (row === undefined || delivery?.state !== 'waiting') return undefined;
  if (row.state === 'delivered') {
    // The service ended between the two notes of a success.
    await turns.patiently(() => store.deliveries.put({ ...delivery, state: 'done' }));
    return undefined;
  }
  const outcome = await once(row, signal, options);
  return turns.patiently(() => note(row, delivery, outcome, options));
};

const once = async (row: RecordingRow, signal: AbortSignal, options: DeliveryTryOptions): Promise<Outcome> => {
  const { clock, allow, limits, resolve = systemResolve } = options;
  try {
    const target = { url: row.url ?? '', method: row.method, policy: allow };
    const load = await prepare(parcelOf(row), { ...target, clock, random: () => 0, signal });
    return await attempt(load, { policy: allow, resolve, limits: { ...DEFAULT_TRY_LIMITS, ...limits }, signal });
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'failed', error: asAppError(error) };
  }
};

const note = async (
  row: RecordingRow,
  before: DeliveryRow,
  outcome: Outcome,
  options: DeliveryTryOptions,
): Promise<number | undefined> => {
  const { store, clock, teller } = options;
  const nowUs = clock.now();
  const tries = before.tries + 1;
  const host = hostOf(row.url);
  const seen = { ...before, tries, nextUs: nowUs, lastStatus: outcome.status ?? before.lastStatus };
  if (outcome.kind === 'taken') {
    const state = endState(row, 'delivered');
    await store.recordings.update(row.id, inState(state, lastingError(row)));
    await store.deliveries.put({ ...seen, state: 'done', lastError: null });
    teller.tell({ ...row, state }, 'delivery.done', { tries, status: outcome.status, host });
    return undefined;
  }
  const error = teller.told(outcome.error);
  const facts = { tries, status: outcome.status ?? null, host, error };
  const waitMs = waitAfter(before, tries, outcome, nowUs, options.random);
  if (waitMs === undefined) {
    await store.recordings.update(row.id, inState('failed', lastingError(row) ?? error));
    await store.deliveries.put({ ...seen, state: 'failed', lastError: error.message });
    teller.tell({ ...row, state: 'failed' }, 'delivery.failed', facts);
    return undefined;
  }
  const nextUs = nowUs + waitMs * 1000;
  await store.deliveries.put({ ...seen, nextUs, lastError: error.message });
  teller.tell(row, 'delivery.retrying', { ...facts, next_try_at: new Date(nextUs / 1000).toISOString() });
  return nextUs;
};

const waitAfter = (
  { deadlineUs }: DeliveryRow,
  tries: number,
  { error, retryAfter }: Extract<Outcome, { kind: 'failed' }>,
  nowUs: number,
  random: RandomBytes,
): number | undefined => {
  if (!error.retryable) return undefined;
  const elapsedMs = (nowUs - (deadlineUs - PATIENCE_US)) / 1000;
  const retryAfterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, nowUs / 1000);
  const share = Buffer.from(random(4)).readUInt32LE() / 2 ** 32;
  const waitMs = nextDelayMs({ tries, elapsedMs, retryAfterMs }, () => share, PLAN);
  if (waitMs === undefined) return undefined;
  // A target that asks for more than the plan's longest wait gets it, up to a last try at the deadline.
  return Math.max(waitMs, Math.min(retryAfterMs ?? 0, (deadlineUs - nowUs) / 1000));
};
