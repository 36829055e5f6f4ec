/** The service's numbers for Prometheus. Read when somebody asks; no account, call, party or file is ever in a label. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { FollowCounts } from '../finalize/pool.ts';
import type { EventType } from '../http/event-catalogue.ts';
import type { ServiceEvent } from '../http/service.ts';
import type { LiveNumbers, LiveTotals } from './live/live-counts.ts';
import { LoopDelay } from './media/loop-delay.ts';
import type { MediaNumbers } from './media/media-numbers.ts';
import type { WebhookCounts } from './webhooks/webhook-queue.ts';

/** What is asked at each reading. */
export type MetricSource = {
  /** Of the thread that takes in media. */
  readonly media: () => Promise<MediaNumbers>;
  /** What that thread has been asked and has not answered; bytes of streams on their way to it. */
  readonly mediaQueue: () => number;
  readonly streamQueueBytes: () => number;
  readonly finalizeQueue: () => number;
  readonly following: () => FollowCounts;
  readonly deliveryQueue: () => Promise<number>;
  readonly storeQueue: () => number;
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

export class Metrics {
  readonly #registry = new Registry();
  readonly #delay = new LoopDelay();
  readonly #source: MetricSource;
  /** Of the reading in hand, or of the last that was answered. */
  #media: MediaNumbers | undefined;
  readonly #finished: Counter<'state'>;
  readonly #maskErrors: Counter;

  constructor(source: MetricSource) {
    this.#source = source;
    const media = (): MediaNumbers | undefined => this.#media;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#liveGauges();
    this.#gauge('streams', "Media servers' streams that are open", () => media()?.streams.open);
    this.#gauge('finalize_queue', 'Recordings that are being finalized or wait for it', source.finalizeQueue);
    this.#gauge('recordings_followed', 'Encoded while they run', () => source.following().recordings);
    this.#gauge(
      'follow_lag_seconds',
      'How long ago the one that is farthest behind was at the end of its journal',
      () => source.following().lagSec,
    );
    this.#gauge('delivery_queue', 'Recordings that are not delivered yet', source.deliveryQueue);
    this.#gauge(
      'receive_queue_bytes',
      'Datagrams that were received and not taken yet',
      () => media()?.receiver.waitingBytes,
    );
    this.#gauge('store_queue', 'Changes of recordings that the database does not have yet', source.storeQueue);
    this.#gauge('delivery_targets_down', 'Targets of deliveries that are probed, not tried', source.targetsDown);
    this.#gauge('webhook_queue', 'Events that no webhook has taken yet', source.webhookQueue);
    this.#gauge('webhook_targets_down', 'Webhooks that are probed, not tried', () => source.webhooks().targetsDown);
    this.#gauge('audit_queue', 'Entries of the audit that are not written yet', source.auditQueue);
    this.#gauge('audit_faults', 'Places where the chain of an audit does not hold', source.auditFaults);
    this.#gauge('disk_free_mebibytes', 'Room on the disk of the data folder', source.freeDiskMib);
    this.#gauge('media_queue', 'What the thread that takes in media was asked and has not answered', source.mediaQueue);
    this.#gauge(
      'stream_queue_bytes',
      'What streams have brought that is on its way to that thread',
      source.streamQueueBytes,
    );
    this.#gauge(
      'event_loop_delay_p99_seconds',
      'Of the thread that takes in media, since the last reading',
      () => media()?.loopDelaySec,
    );
    this.#gauge('api_loop_delay_p99_seconds', 'Of the thread that answers the API, since the last reading', () =>
      this.#delay.take(),
    );
    new Counter({
      name: 'record_call_packets_total',
      help: 'RTP packets by what became of them; one may be in several',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        const totals = media()?.live.totals;
        for (const [total, outcome] of Object.entries(OUTCOMES))
          this.inc({ outcome }, totals?.[total as keyof typeof OUTCOMES] ?? 0);
      },
    });
    new Counter({
      name: 'record_call_follow_given_up_total',
      help: 'Recordings that could not be encoded while they ran, and are when they have ended',
      registers,
      collect() {
        this.reset();
        this.inc(source.following().givenUp);
      },
    });
    new Counter({
      name: 'record_call_streams_total',
      help: "Media servers' streams by whether they were let in",
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        const { opened = 0, refused = 0 } = media()?.streams ?? {};
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
        this.inc(media()?.receiver.overflowed ?? 0);
      },
    });
    new Counter({
      name: 'record_call_calls_refused_total',
      help: 'Calls that were not taken because there were too many, or no room on the disk, or no port',
      registers,
      collect() {
        this.reset();
        this.inc(media()?.live.totals.refusedCalls ?? 0);
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
  }

  /** Something has happened. */
  take({ type, data }: Pick<ServiceEvent, 'type' | 'data'>): void {
    const { state, code } = data;
    if (ENDS.includes(type) && LAST_STATES.includes(state as string)) this.#finished.inc({ state: state as string });
    if (type === 'command.failed' && code === 'MASK_NOT_DURABLE') this.#maskErrors.inc();
  }

  async text(): Promise<{ contentType: string; text: string }> {
    // A thread that is gone leaves the numbers as they were.
    this.#media = await this.#source.media().catch(() => this.#media);
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  close(): void {
    this.#delay.close();
    this.#registry.clear();
  }

  #liveGauges(): void {
    const live = (): LiveNumbers | undefined => this.#media?.live;
    this.#gauge('calls', 'Calls that are going on', () => live()?.calls);
    this.#gauge('legs_receiving', 'Legs that are being heard', () => live()?.legsReceiving);
    this.#gauge('recordings_running', 'Recordings that are being made', () => live()?.recordings);
    this.#gauge('calls_masked', 'Calls that are masked now', () => live()?.callsMasked);
    this.#gauge(
      'calls_dropping',
      'Calls whose journals lag so far that packets are dropped',
      () => live()?.callsDropping,
    );
    this.#gauge('mask_age_seconds', 'How long the oldest open mask has been on', () => live()?.oldestMaskSec);
    this.#gauge('journal_lag_bytes', 'Bytes of journals that are not on disk yet', () => live()?.journalPendingBytes);
  }

  /** @param read a store that fails leaves the number as it was */
  #gauge(name: string, help: string, read: () => number | undefined | Promise<number>): void {
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
