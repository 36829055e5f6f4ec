/** The service's numbers for Prometheus. Read when somebody asks; no account, call, party or file is ever in a label. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { EventType } from '../http/event-catalogue.ts';
import type { ServiceEvent } from '../http/service.ts';
import type { LiveNumbers, LiveTotals } from './live/live-counts.ts';
import type { WebhookCounts } from './webhooks/webhook-queue.ts';

/** What is asked at each reading. */
export type MetricSource = {
  readonly live: () => LiveNumbers;
  /** Media servers' own: open now; opened and refused since the start. */
  readonly streams: () => { readonly open: number; readonly opened: number; readonly refused: number };
  readonly finalizeQueue: () => number;
  readonly deliveryQueue: () => Promise<number>;
  readonly storeQueue: () => number;
  /** Of the receiver's ring: datagrams that found no room, since the start; bytes that wait. */
  readonly receiver: () => { readonly overflowed: number; readonly waitingBytes: number };
  /** Targets of deliveries whose circuits are not closed. */
  readonly targetsDown: () => number;
  readonly webhookQueue: () => Promise<number>;
  readonly webhooks: () => Pick<WebhookCounts, 'dropped' | 'targetsDown'>;
  readonly auditQueue: () => number;
  readonly auditFaults: () => number;
  /** Since the start. */
  readonly refusedRequests: () => number;
  readonly freeDiskMib: () => number;
};

/** Of the totals, what became of packets. */
const OUTCOMES = {
  packets: 'received',
  refused: 'refused',
  withheld: 'withheld',
  lostOnTheWay: 'lost',
  late: 'late',
  duplicate: 'duplicate',
  lostToDisk: 'lost_to_disk',
} as const satisfies Partial<Record<keyof LiveTotals, string>>;

/** Events that a recording may come to its end with, and the states that are one. */
const ENDS: readonly string[] = [
  'recording.stored',
  'recording.incomplete',
  'recording.discarded',
  'finalize.failed',
  'delivery.done',
  'delivery.failed',
] satisfies EventType[];
const LAST_STATES: readonly string[] = ['stored', 'discarded', 'delivered', 'failed'];

const NANOSECONDS = 1e9;

export class Metrics {
  readonly #registry = new Registry();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  readonly #source: MetricSource;
  /** Of the reading in hand: asking costs a walk over all calls. */
  #live: LiveNumbers;
  readonly #finished: Counter<'state'>;
  readonly #maskErrors: Counter;

  constructor(source: MetricSource) {
    this.#source = source;
    this.#live = source.live();
    const live = (): LiveNumbers => this.#live;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#liveGauges();
    this.#gauge('streams', "Media servers' streams that are open", () => source.streams().open);
    this.#gauge('finalize_queue', 'Recordings that are being finalized or wait for it', source.finalizeQueue);
    this.#gauge('delivery_queue', 'Recordings that are not delivered yet', source.deliveryQueue);
    this.#gauge(
      'receive_queue_bytes',
      'Datagrams that were received and not taken yet',
      () => source.receiver().waitingBytes,
    );
    this.#gauge('store_queue', 'Changes of recordings that the database does not have yet', source.storeQueue);
    this.#gauge('delivery_targets_down', 'Targets of deliveries that are probed, not tried', source.targetsDown);
    this.#gauge('webhook_queue', 'Events that no webhook has taken yet', source.webhookQueue);
    this.#gauge('webhook_targets_down', 'Webhooks that are probed, not tried', () => source.webhooks().targetsDown);
    this.#gauge('audit_queue', 'Entries of the audit that are not written yet', source.auditQueue);
    this.#gauge('audit_faults', 'Places where the chain of an audit does not hold', source.auditFaults);
    this.#gauge('disk_free_mebibytes', 'Room on the disk of the data folder', source.freeDiskMib);
    this.#gauge('event_loop_delay_p99_seconds', 'Of the thread that takes in media, since the last reading', () => {
      const seconds = this.#delay.percentile(99) / NANOSECONDS;
      this.#delay.reset();
      return seconds;
    });
    new Counter({
      name: 'record_call_packets_total',
      help: 'RTP packets by what became of them; one may be in several',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        const { totals } = live();
        for (const [total, outcome] of Object.entries(OUTCOMES))
          this.inc({ outcome }, totals[total as keyof typeof OUTCOMES]);
      },
    });
    new Counter({
      name: 'record_call_streams_total',
      help: "Media servers' streams by whether they were let in",
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        const { opened, refused } = source.streams();
        this.inc({ outcome: 'opened' }, opened);
        this.inc({ outcome: 'refused' }, refused);
      },
    });
    new Counter({
      name: 'record_call_refused_requests_total',
      help: 'Requests without a valid key or token',
      registers,
      collect() {
        this.reset();
        this.inc(source.refusedRequests());
      },
    });
    new Counter({
      name: 'record_call_receive_overflow_total',
      help: 'Datagrams that were dropped because the thread that takes them stood still',
      registers,
      collect() {
        this.reset();
        this.inc(source.receiver().overflowed);
      },
    });
    new Counter({
      name: 'record_call_calls_refused_total',
      help: 'Calls that were not taken because there were too many, or no room on the disk, or no port',
      registers,
      collect() {
        this.reset();
        this.inc(live().totals.refusedCalls);
      },
    });
    new Counter({
      name: 'record_call_webhooks_dropped_total',
      help: 'Events for webhooks that did not fit into their queues',
      registers,
      collect() {
        this.reset();
        this.inc(source.webhooks().dropped);
      },
    });
    this.#finished = new Counter({
      name: 'record_call_recordings_total',
      help: 'Recordings by the state they came to',
      labelNames: ['state'],
      registers,
    });
    this.#maskErrors = new Counter({
      name: 'record_call_mask_errors_total',
      help: 'Mask commands that could not be made durable; the call stays masked',
      registers,
    });
    this.#delay.enable();
  }

  /** Something has happened. */
  take({ type, data }: Pick<ServiceEvent, 'type' | 'data'>): void {
    const { state, code } = data;
    if (ENDS.includes(type) && LAST_STATES.includes(state as string)) this.#finished.inc({ state: state as string });
    if (type === 'command.failed' && code === 'MASK_NOT_DURABLE') this.#maskErrors.inc();
  }

  async text(): Promise<{ contentType: string; text: string }> {
    this.#live = this.#source.live();
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  close(): void {
    this.#delay.disable();
    this.#registry.clear();
  }

  #liveGauges(): void {
    const live = (): LiveNumbers => this.#live;
    this.#gauge('calls', 'Calls that are going on', () => live().calls);
    this.#gauge('legs_receiving', 'Legs that are being heard', () => live().legsReceiving);
    this.#gauge('recordings_running', 'Recordings that are being made', () => live().recordings);
    this.#gauge('calls_masked', 'Calls that are masked now', () => live().callsMasked);
    this.#gauge(
      'calls_dropping',
      'Calls whose journals lag so far that packets are dropped',
      () => live().callsDropping,
    );
    this.#gauge('mask_age_seconds', 'How long the oldest open mask has been on', () => live().oldestMaskSec);
    this.#gauge('journal_lag_bytes', 'Bytes of journals that are not on disk yet', () => live().journalPendingBytes);
  }

  /** @param read a store that fails leaves the number as it was */
  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name: `record_call_${name}`,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await Promise.resolve(read()).catch(() => undefined);
        if (value !== undefined) this.set(value);
      },
    });
  }
}
