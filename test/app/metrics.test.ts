import { afterEach, describe, expect, test } from 'vitest';
import { EventLog } from '../../src/app/event-log.ts';
import type { LiveNumbers } from '../../src/app/live/live-counts.ts';
import { Metrics } from '../../src/app/metrics.ts';
import { AppError } from '../../src/core/errors.ts';

const NOTHING: LiveNumbers = {
  ...{ calls: 0, legsReceiving: 0, recordings: 0, callsMasked: 0, callsDropping: 0, oldestMaskSec: 0 },
  journalPendingBytes: 0,
  totals: {
    packets: 0,
    refused: 0,
    withheld: 0,
    lostOnTheWay: 0,
    late: 0,
    duplicate: 0,
    lostToDisk: 0,
    refusedCalls: 0,
  },
} as LiveNumbers;

const open: Metrics[] = [];
afterEach(() => {
  for (const metrics of open.splice(0)) metrics.close();
});

let isLost = false;
afterEach(() => {
  isLost = false;
});

const metricsOf = (): { readonly metrics: Metrics; readonly events: EventLog } => {
  const metrics = new Metrics({
    media: async () => {
      if (isLost) throw new AppError('INTERNAL', 'it is gone');
      return {
        live: NOTHING,
        receiver: { received: 9, overflowed: 4, waitingBytes: 0, mostWaitingBytes: 0 },
        streams: { open: 8, opened: 0, refused: 0 },
        loopDelaySec: 0.25,
      };
    },
    mediaQueue: () => 3,
    streamQueueBytes: () => 1000,
    finalizeQueue: () => 0,
    following: () => ({ recordings: 5, lagSec: 2.5, givenUp: 6 }),
    deliveryQueue: async () => 4,
    storeQueue: () => 0,
    targetsDown: () => 2,
    webhookQueue: async () => 7,
    webhooks: () => ({ dropped: 3, targetsDown: 1 }),
    auditQueue: () => 0,
    auditFaults: () => 0,
    refusedRequests: () => 0,
    freeDiskMib: () => 0,
  });
  open.push(metrics);
  const events = new EventLog('run', () => 0);
  events.follow((_, event) => metrics.take(event));
  return { metrics, events };
};

const lineOf = async (metrics: Metrics, start: string): Promise<string | undefined> =>
  (await metrics.text()).text.split('\n').find((line) => line.startsWith(start));

describe('recordings by the state they came to', () => {
  for (const { type, state, counted } of [
    { type: 'recording.stored', state: 'stored', counted: 1 },
    { type: 'recording.stored', state: 'delivering', counted: 0 },
    { type: 'recording.incomplete', state: 'failed', counted: 1 },
    { type: 'recording.discarded', state: 'discarded', counted: 1 },
    { type: 'finalize.failed', state: 'failed', counted: 1 },
    { type: 'delivery.done', state: 'delivered', counted: 1 },
    { type: 'delivery.failed', state: 'failed', counted: 1 },
    { type: 'delivery.retrying', state: 'delivering', counted: 0 },
    { type: 'recording.removed', state: 'stored', counted: 0 },
    { type: 'recording.finalizing', state: 'finalizing', counted: 0 },
  ])
    test(`${type} with ${state}: ${counted}`, async () => {
      const { metrics, events } = metricsOf();
      events.publish('a', type, { recording_id: 'r', state });
      const line = await lineOf(metrics, `record_call_recordings_total{state="${state}"}`);
      expect(line?.split(' ').at(-1)).toBe(counted === 0 ? undefined : '1');
    });
});

for (const { code, counted } of [
  { code: 'MASK_NOT_DURABLE', counted: '1' },
  { code: 'CONFLICT', counted: '0' },
])
  test(`a command that failed by ${code} counts ${counted} as a mask that could not be made durable`, async () => {
    const { metrics, events } = metricsOf();
    events.publish('a', 'command.failed', { action: 'mask', code, masked: true });
    expect(await lineOf(metrics, 'record_call_mask_errors_total')).toBe(`record_call_mask_errors_total ${counted}`);
  });

test('what is down and what waits is there to be read', async () => {
  const { metrics } = metricsOf();
  for (const line of [
    'record_call_delivery_queue 4',
    'record_call_recordings_followed 5',
    'record_call_follow_lag_seconds 2.5',
    'record_call_follow_given_up_total 6',
    'record_call_delivery_targets_down 2',
    'record_call_webhook_queue 7',
    'record_call_webhook_targets_down 1',
    'record_call_webhooks_dropped_total 3',
    'record_call_receive_overflow_total 4',
    'record_call_calls_refused_total 0',
    'record_call_streams 8',
    'record_call_media_queue 3',
    'record_call_stream_queue_bytes 1000',
    'record_call_event_loop_delay_p99_seconds 0.25',
  ])
    expect(await lineOf(metrics, line.split(' ')[0]!)).toBe(line);
});

test('a media thread that is gone leaves its numbers as they were, and the others are read', async () => {
  const { metrics, events } = metricsOf();
  await metrics.text();
  isLost = true;
  events.publish('a', 'recording.stored', { recording_id: 'r', state: 'stored' });
  expect(await lineOf(metrics, 'record_call_streams ')).toBe('record_call_streams 8');
  expect(await lineOf(metrics, 'record_call_recordings_total')).toMatch(/ 1$/);
});
