/**
 * One try to deliver a recording, and what is noted of it in the store: delivered, to be tried again and when (`sending/retry.ts`), or
 * failed, at once where the target refuses for good.
 */
import type { Clock } from '../../core/clock.ts';
import { type AppError, asAppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { AllowList } from '../../deliver/allow-list.ts';
import { attempt, DEFAULT_TRY_LIMITS, type Outcome, type TryLimits } from '../../deliver/attempt.ts';
import { prepare } from '../../deliver/delivery.ts';
import { type Resolve, systemResolve } from '../../deliver/dialler.ts';
import type { DeliveryRow, RecordingRow } from '../../store/rows.ts';
import { nextTryUs, retryAfterMsOf, verdictOf } from '../sending/retry.ts';
import type { Tried } from '../sending/sending-options.ts';
import { hostOf } from '../sending/target-name.ts';
import { parcelOf } from './parcel.ts';
import { endState, inState, lastingError } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { KeyOf } from './stored-file.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

export type DeliveryTryOptions = {
  readonly store: ShelfStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly allow: AllowList;
  readonly turns: WriteTurns;
  readonly teller: Teller;
  readonly keyOf: KeyOf;
  readonly limits?: Partial<TryLimits>;
  readonly resolve?: Resolve;
};

/** @throws the signal's reason; what the store refuses for good */
export const tryDelivery = async (
  accountId: string,
  id: string,
  signal: AbortSignal,
  options: DeliveryTryOptions,
): Promise<Tried> => {
  const { store, turns, clock } = options;
  const [row, delivery] = await turns.patiently(() =>
    Promise.all([store.recordings.get(accountId, id), store.deliveries.get(id)]),
  );
  if (row === undefined || delivery?.state !== 'waiting') return OVER;
  if (row.state === 'delivered') {
    // The service ended between the two notes of a success.
    await turns.patiently(() => store.deliveries.put({ ...delivery, state: 'done' }));
    return OVER;
  }
  const outcome = await once(row, signal, options);
  const seen = { verdict: verdictOf(outcome), retryAfterMs: retryAfterMsOf(outcome, clock.now()) };
  return { ...seen, againUs: await turns.patiently(() => note(row, delivery, outcome, options)) };
};

const OVER: Tried = { againUs: undefined, verdict: 'unknown' };

const once = async (row: RecordingRow, signal: AbortSignal, options: DeliveryTryOptions): Promise<Outcome> => {
  const { clock, allow, limits, keyOf, resolve = systemResolve } = options;
  try {
    const target = { url: row.url ?? '', method: row.method, policy: allow };
    const load = await prepare(parcelOf(row, keyOf), { ...target, clock, random: () => 0, signal });
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
  const nextUs = nextTryUs({ tries, deadlineUs: before.deadlineUs }, outcome, nowUs, options.random);
  if (nextUs === undefined) {
    await noteFailure(row, seen, outcome.error, options, outcome.status);
    return undefined;
  }
  const error = teller.told(outcome.error);
  await store.deliveries.put({ ...seen, nextUs, lastError: error.message });
  const facts = { tries, status: outcome.status ?? null, host, error };
  teller.tell(row, 'delivery.retrying', { ...facts, next_try_at: new Date(nextUs / 1000).toISOString() });
  return nextUs;
};

/** It is tried no more. @param delivery as it stands @param status of the last try, when it was just made */
export const noteFailure = async (
  row: RecordingRow,
  delivery: DeliveryRow,
  failure: AppError,
  { store, teller }: DeliveryTryOptions,
  status: number | null = null,
): Promise<void> => {
  const error = teller.told(failure);
  await store.recordings.update(row.id, inState('failed', lastingError(row) ?? error));
  await store.deliveries.put({ ...delivery, state: 'failed', lastError: error.message });
  const facts = { tries: delivery.tries, status, host: hostOf(row.url), error };
  teller.tell({ ...row, state: 'failed' }, 'delivery.failed', facts);
};
