/** One try to send an event to its account's webhook, signed, and what is noted of it: gone when it was taken, else when it is tried again. */
import { bytesInMemory } from '../../core/bytes-in-memory.ts';
import type { Clock } from '../../core/clock.ts';
import { asAppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { AllowList } from '../../deliver/allow-list.ts';
import { attempt, type Load, type Outcome, type TryLimits } from '../../deliver/attempt.ts';
import { type Resolve, systemResolve } from '../../deliver/dialler.ts';
import { checkUrl } from '../../deliver/target-address.ts';
import type { WebhookRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { WriteTurns } from '../recordings/write-turns.ts';
import { nextTryUs, retryAfterMsOf, verdictOf } from '../sending/retry.ts';
import type { Tried } from '../sending/sending-options.ts';
import type { Hook, Hooks } from './hooks.ts';
import { signatureOf } from './signature.ts';

/** Sends little, and holds up the account's next event. */
const LIMITS: TryLimits = { connectMs: 10_000, headersMs: 10_000, tryMs: 30_000, graceMs: 0 };

export type WebhookTryOptions = {
  readonly store: Pick<Store, 'webhooks'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly allow: AllowList;
  readonly turns: Pick<WriteTurns, 'patiently'>;
  readonly hooks: Hooks;
  /** @throws KEY_UNUSABLE */
  readonly openSecret: (accountId: string, sealed: string) => string;
  readonly limits?: Partial<TryLimits>;
  readonly resolve?: Resolve;
};

export type WebhookTried = Tried & {
  readonly end?: { readonly kind: 'taken' } | { readonly kind: 'failed'; readonly row: WebhookRow };
};

const OVER: WebhookTried = { againUs: undefined, verdict: 'unknown' };

/** @throws the signal's reason; what the store refuses for good */
export const tryWebhook = async (
  accountId: string,
  id: string,
  signal: AbortSignal,
  options: WebhookTryOptions,
): Promise<WebhookTried> => {
  const { store, turns, clock, random, hooks } = options;
  const before = await turns.patiently(() => store.webhooks.get(accountId, id));
  const hook = hooks.get(accountId);
  if (before?.state !== 'waiting' || hook === undefined) return OVER;
  const outcome = await once(before, hook, signal, options);
  const nowUs = clock.now();
  const seen = { verdict: verdictOf(outcome), retryAfterMs: retryAfterMsOf(outcome, nowUs), againUs: undefined };
  if (outcome.kind === 'taken') {
    await turns.patiently(() => store.webhooks.remove(accountId, id));
    return { ...seen, end: { kind: 'taken' } };
  }
  const tries = before.tries + 1;
  const { message } = outcome.error;
  const row = { ...before, tries, nextUs: nowUs, lastStatus: outcome.status ?? before.lastStatus, lastError: message };
  const againUs = nextTryUs(row, outcome, nowUs, random);
  const after: WebhookRow = againUs === undefined ? { ...row, state: 'failed' } : { ...row, nextUs: againUs };
  const isThere = await turns.patiently(() => store.webhooks.update(after));
  if (!isThere) return { ...seen, againUs: undefined };
  return againUs === undefined ? { ...seen, end: { kind: 'failed', row: after } } : { ...seen, againUs };
};

const once = async (
  { accountId, id, body }: WebhookRow,
  hook: Hook,
  signal: AbortSignal,
  options: WebhookTryOptions,
): Promise<Outcome> => {
  const { clock, allow: policy, resolve = systemResolve, limits } = options;
  try {
    const url = checkUrl(hook.url, policy);
    url.hash = '';
    const timestamp = String(Math.floor(clock.now() / 1e6));
    const bytes = Buffer.from(body);
    const load: Load = {
      ...{ url, method: 'POST', body: bytesInMemory(bytes), size: bytes.length },
      headers: {
        'Content-Type': 'application/json',
        // Two accounts' events may have one id, and one receiver.
        'Idempotency-Key': `${accountId}-${id}`,
        'X-Record-Call-Account': accountId,
        'X-Record-Call-Timestamp': timestamp,
        'X-Record-Call-Signature': signatureOf(options.openSecret(accountId, hook.sealedSecret), timestamp, body),
        'User-Agent': 'record-call',
      },
    };
    return await attempt(load, { policy, resolve, limits: { ...LIMITS, ...limits }, signal });
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'failed', error: asAppError(error) };
  }
};
