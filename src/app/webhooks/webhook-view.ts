/** An event that waits for its account's webhook, or did not arrive, as the API tells it. Pure. */
import type { ServiceEvent, WebhookDocument } from '../../http/service.ts';
import type { WebhookRow } from '../../store/rows.ts';
import type { CircuitState } from '../sending/circuit-breaker.ts';

export type WebhookUnderWay = {
  readonly host: string;
  readonly isBeingTried: boolean;
  readonly circuit: CircuitState;
  /** When it may be tried at the earliest, µs. */
  readonly tryUs: number;
};

export const webhookView = (row: WebhookRow, underWay: WebhookUnderWay): WebhookDocument => ({
  ...(JSON.parse(row.body) as ServiceEvent),
  delivery: {
    state: row.state,
    tries: row.tries,
    status: row.lastStatus,
    host: underWay.host,
    in_flight: underWay.isBeingTried,
    circuit: underWay.circuit,
    next_try_at: row.state === 'waiting' && !underWay.isBeingTried ? isoTime(underWay.tryUs) : null,
    given_up_at: row.state === 'waiting' ? isoTime(row.deadlineUs) : null,
    error: row.lastError,
  },
});

const isoTime = (us: number): string => new Date(us / 1000).toISOString();
