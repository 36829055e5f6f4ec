/** What the retry engine asks of whoever has something to send, and what it tells of itself. Types only. */
import type { Clock } from '../../core/clock.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { AgendaEntry } from './agenda.ts';
import type { BreakerPlan, Verdict } from './circuit-breaker.ts';

export type Tried = {
  /** When it is to be tried again; undefined: it is over. */
  readonly againUs: number | undefined;
  readonly verdict: Verdict;
  /** What the target asked for. */
  readonly retryAfterMs?: number | undefined;
};

export type LoadQuery = {
  readonly limit: number;
  /** Targets. */
  readonly except: readonly string[];
  readonly isKnown: (id: string) => boolean;
};

export type SendingOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly atOnce: { readonly perTarget: number; readonly total: number };
  /** In memory, in all and for each target; the others wait in the store. */
  readonly mostWaiting: number;
  readonly mostPerTarget: number;
  readonly breaker: BreakerPlan;
  /** One try, and what is noted of it. @throws the signal's reason; what the store refuses for good */
  readonly tryOnce: (entry: AgendaEntry, signal: AbortSignal) => Promise<Tried>;
  /** What waits in the store, the longest due first, but for what is known and what waits for targets of `except`. @throws STORE_FAILED */
  readonly load: (query: LoadQuery) => Promise<{ readonly entries: readonly AgendaEntry[]; readonly isAll: boolean }>;
  /** Its time is over, and its target is down. */
  readonly giveUp: (entry: AgendaEntry) => Promise<void>;
  /** A target's circuit has opened, or closed again. @param entry whose try has shown it */
  readonly onTarget: (change: 'down' | 'up', entry: AgendaEntry) => void;
  readonly onDefect: (sentence: string, error: unknown) => void;
};

/** For `/metrics`. */
export type SendingCounts = { readonly waiting: number; readonly inFlight: number; readonly targetsDown: number };
