/** The service's numbers for Prometheus. Read when somebody asks; no account, call, party or file is ever in a label. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LiveNumbers, LiveTotals } from './live/live-counts.ts';

/** What is asked at each reading. */
export type MetricSource = {
  readonly live: () => LiveNumbers;
  readonly finalizeQueue: () => number;
  readonly deliveryQueue: () => number;
  readonly auditQueue: () => number;
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
    this.#gauge('finalize_queue', 'Recordings that are being finalized or wait for it', source.finalizeQueue);
    this.#gauge('delivery_queue', 'Recordings that are not delivered yet', source.deliveryQueue);
    this.#gauge('audit_queue', 'Entries of the audit that are not written yet', source.auditQueue);
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
      name: 'record_call_refused_requests_total',
      help: 'Requests without a valid key or token',
      registers,
      collect() {
        this.reset();
        this.inc(source.refusedRequests());
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

  finished(state: string): void {
    this.#finished.inc({ state });
  }

  maskFailed(): void {
    this.#maskErrors.inc();
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

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `record_call_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
