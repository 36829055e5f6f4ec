/**
 * The service as it ships under calls that come and go: for a while as many end as begin, so that taking in, finishing files and the API all
 * have their share of it; then all are hung up, and every recording is looked at.
 *
 *     bench ──HTTP──▶ service (dist/cli.js serve) ◀──RTP── call-sender.c
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordingDocument } from '../../../src/http/service.ts';
import { quantiles } from '../ingest/ingest-result.ts';
import { LEG_PACKETS_PER_SECOND } from '../ingest/load.ts';
import { LiveService } from '../live/live-service.ts';
import { loopDelaysIn } from '../live/loop-delays.ts';
import { usedBetween } from '../live/thread-use.ts';
import { CallSender, type SenderPlan } from './call-sender.ts';
import { burstFor, type PipelineFormat, type PipelineSize } from './pipeline-plan.ts';
import type { PipelineRun } from './pipeline-result.ts';
import { recordingFaults } from './recording-faults.ts';
import { framesOf, Traffic } from './traffic.ts';

export type PipelinePlan = PipelineSize & {
  readonly format: PipelineFormat;
  /** The service's folder, not made yet. */
  readonly data: string;
  readonly sender: Omit<SenderPlan, 'burst'>;
  /** The service's only one; undefined: any. */
  readonly core: number | undefined;
};

/** What is on its way when the sender has ended has come by then. */
const SETTLE_MS = 250;
/** What has not come by then is lost. */
const MOST_WAIT_MS = 5000;
const LOOK_EVERY_MS = 200;
const DRAIN_MS = 60_000;
const PACKETS_PER_CALL_MINUTE = 2 * 60 * LEG_PACKETS_PER_SECOND;

export const runPipeline = async (plan: PipelinePlan, signal: AbortSignal): Promise<PipelineRun> => {
  const { calls, format, data, core } = plan;
  const service = await LiveService.start(data, signal, { calls, core });
  const sender = new CallSender({ ...plan.sender, burst: burstFor(calls) }, signal);
  try {
    const emptyBytes = service.memory?.now ?? null;
    const traffic = new Traffic(plan, service, sender, signal);
    const coming = traffic.run();
    coming.catch(() => {});
    await traffic.untilSecond(plan.warmSeconds);
    await service.metrics();
    const before = { use: service.use, sending: await sender.count() };
    await traffic.untilSecond(plan.warmSeconds + plan.steadySeconds);
    const after = { use: service.use, sending: await sender.count() };
    const memoryBytes = service.memory?.now ?? null;
    const running = await service.metrics();
    sender.endLegs();
    const { sent } = await sender.count();
    await coming;
    await sleep(SETTLE_MS, undefined, { signal });
    const behind = sent - receivedIn(await service.metrics());
    const received = behind === 0 ? sent : await allReceived(service, sent, signal);
    const hungUpAt = performance.now();
    await traffic.hangUpAll();
    const unfinished = await allFinished(service, signal);
    const drainSeconds = (performance.now() - hungUpAt) / 1000;
    const recordings = await service.ask<RecordingDocument[]>('GET', 'recordings?paginate=false');
    const faults = unfinished > 0 ? [`${unfinished} not finished ${DRAIN_MS / 1000} s after the last hang-up`] : [];
    const wrong = await recordingFaults(service, recordings, {
      recordings: traffic.begun,
      wholeCalls: traffic.wholeCalls,
      packets: framesOf(plan),
    });
    const callMinutes = (after.sending.sent - before.sending.sent) / PACKETS_PER_CALL_MINUTE;
    const used = usedBetween(before.use, after.use);
    return {
      ...{
        format,
        calls,
        callSeconds: plan.callSeconds,
        warmSeconds: plan.warmSeconds,
        steadySeconds: plan.steadySeconds,
      },
      ...{ sent, received, behind },
      lateMs: after.sending.lateMs,
      atOnce: (60 * callMinutes) / plan.steadySeconds,
      callMinutes,
      cpuSeconds: used?.cpuSeconds ?? null,
      threads: used?.byRole ?? [],
      delay: loopDelaysIn(running),
      finalizing: running.get('record_call_finalize_queue') ?? 0,
      drainSeconds,
      announceP99Ms: quantiles(traffic.announcesMs)?.p99 ?? Number.NaN,
      bytesPerCall: memoryBytes === null || emptyBytes === null ? null : (memoryBytes - emptyBytes) / calls,
      peakBytes: service.memory?.peak ?? null,
      recordings: recordings.length,
      faults: [...faults, ...traffic.faults, ...wrong],
    };
  } finally {
    await sender.stop();
    await service.stop();
  }
};

const receivedIn = (metrics: ReadonlyMap<string, number>): number =>
  metrics.get('record_call_packets_total{outcome="received"}') ?? 0;

const allReceived = async (service: LiveService, sent: number, signal: AbortSignal): Promise<number> => {
  const untilMs = performance.now() + MOST_WAIT_MS;
  for (;;) {
    const received = receivedIn(await service.metrics());
    if (received >= sent || performance.now() > untilMs) return received;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
};

/** @returns how many are not, after a while */
const allFinished = async (service: LiveService, signal: AbortSignal): Promise<number> => {
  const untilMs = performance.now() + DRAIN_MS;
  for (;;) {
    const metrics = await service.metrics();
    const left = ['recordings_running', 'finalize_queue', 'store_queue'].reduce(
      (sum, name) => sum + (metrics.get(`record_call_${name}`) ?? 0),
      0,
    );
    if (left === 0 || performance.now() > untilMs) return left;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
};
