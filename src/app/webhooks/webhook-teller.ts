/** How webhooks fare is told: events to their accounts, sentences to whoever runs the service. Of a URL only its host. */
import { asAppError } from '../../core/errors.ts';
import type { ServiceEvent } from '../../http/service.ts';
import type { WebhookRow } from '../../store/rows.ts';
import type { EventSink } from '../event-sink.ts';
import type { Log } from '../recordings/teller.ts';

export type WebhookEventType = 'webhook.failed' | 'webhook.target_down' | 'webhook.target_up';

export class WebhookTeller {
  readonly #events: EventSink;
  readonly #log: Log;

  constructor(events: EventSink, log: Log) {
    this.#events = events;
    this.#log = log;
  }

  /** It is tried no more. */
  failed({ accountId, id, body, tries, lastStatus, lastError }: WebhookRow, host: string): void {
    const { type } = JSON.parse(body) as ServiceEvent;
    const facts = { event_id: id, event_type: type, tries, status: lastStatus, host, error: lastError };
    this.#log.warn({ accountId, ...facts }, 'webhook.failed');
    this.#publish(accountId, 'webhook.failed', facts);
  }

  target(accountId: string, change: 'down' | 'up', host: string): void {
    this.#log.warn({ accountId, host }, `a webhook is ${change}`);
    this.#publish(accountId, change === 'down' ? 'webhook.target_down' : 'webhook.target_up', { host });
  }

  dropped(accountId: string): void {
    this.#log.warn({ accountId }, 'events for a webhook are dropped: too many wait');
  }

  /** What should not happen, and what it means. */
  defect(sentence: string, error: unknown): void {
    const { code, message } = asAppError(error);
    this.#log.error({ code, error: message }, `webhooks: ${sentence}`);
  }

  #publish(accountId: string, type: WebhookEventType, data: Readonly<Record<string, unknown>>): void {
    try {
      this.#events.publish(accountId, type, data);
    } catch (error) {
      this.defect('a listener to events has failed', error);
    }
  }
}
