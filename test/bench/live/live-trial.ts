/**
 * 200 calls at once into the service as it ships: announced, sent, masked now and then, hung up, listened to.
 *
 *     bench ──HTTP──▶ service (dist/cli.js serve) ◀──RTP── load (load-process.ts)
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LEGS } from '../../../src/core/leg.ts';
import type { CallDocument, RecordingDocument } from '../../../src/http/service.ts';
import { loadNow } from '../machine.ts';
import { abreast } from './abreast.ts';
import { type Expected, recordingFaults } from './heard.ts';
import { droppedByPort } from './kernel-drops.ts';
import { type LiveResult, LOOK_MS } from './live-result.ts';
import { LiveService } from './live-service.ts';
import type { LoadJob, LoadResult } from './load.ts';
import { apiStallIn, loopDelaysIn } from './loop-delays.ts';
import { Masking } from './masking.ts';
import { mediaSeconds, usedBetween } from './thread-use.ts';

const LOAD_PROCESS = fileURLToPath(new URL('./load-process.ts', import.meta.url));

/** So many requests at once. */
const ABREAST = 8;
/** What is on its way when the load ends has come by then. */
const SETTLE_MS = 500;
const FINALIZE_MS = 120_000;
const LOOK_EVERY_MS = 1000;
const NANOSECONDS_PER_MS = 1e6;

export const runLive = async (
  { calls, seconds, data }: { readonly calls: number; readonly seconds: number; readonly data: string },
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<LiveResult> => {
  const loadBefore = loadNow();
  progress('starting the service');
  const service = await LiveService.start(data, signal);
  try {
    const announced: CallDocument[] = [];
    await abreast(ABREAST, calls, async (call) => {
      const record_call = { format: 'wav', media_name: `call-${call}.wav` };
      announced[call] = await service.ask('PUT', 'calls', {
        call_id: `call-${call}`,
        media: { kind: 'rtp' },
        record_call,
      });
    });
    const ports = announced.flatMap(({ legs }) => LEGS.map((leg) => legs[leg].rtp!.port));
    progress(`${calls} calls for ${seconds} s`);
    const masking = new Masking(service, announced, seconds);
    const use = { before: service.use, after: service.use };
    const beside = monitorEventLoopDelay({ resolution: LOOK_MS });
    const load = await sendLoad({ ports, seconds }, signal, async () => {
      await service.metrics();
      use.before = service.use;
      beside.enable();
      masking.begin();
    });
    await sleep(SETTLE_MS, undefined, { signal });
    const masks = await masking.done;
    beside.disable();
    use.after = service.use;
    const memory = service.memory;
    const running = await service.metrics();
    const drops = droppedByPort();
    progress('hanging up');
    const hungUpAt = performance.now();
    await abreast(ABREAST, calls, (call) => service.ask('DELETE', `calls/call-${call}`));
    const recordings = await allStored(service, calls, signal);
    const finalizedSeconds = (performance.now() - hungUpAt) / 1000;
    const finishing = await service.metrics();
    progress('listening to the recordings');
    const delay = loopDelaysIn(running);
    const waitedMs = Math.max(delay.media, apiStallIn(running)) + load.late.max;
    const used = usedBetween(use.before, use.after);
    const faults = await faultsIn(recordings, service, signal, (call) => ({
      ...{ call, seconds, waitedMs },
      masks: masks.get(call) ?? [],
    }));
    return {
      calls,
      seconds,
      loadBefore,
      load,
      received: running.get('record_call_packets_total{outcome="received"}') ?? 0,
      kernelDropped: drops === null ? null : ports.reduce((sum, port) => sum + (drops.get(port) ?? 0), 0),
      delay,
      delayBeside: {
        p50: beside.percentile(50) / NANOSECONDS_PER_MS,
        p99: beside.percentile(99) / NANOSECONDS_PER_MS,
        max: beside.max / NANOSECONDS_PER_MS,
      },
      delayWhileFinalizing: loopDelaysIn(finishing),
      finalizedSeconds,
      cpuSeconds: used?.cpuSeconds ?? null,
      mediaThreadCpuSeconds: used === null ? null : mediaSeconds(used.byRole),
      threads: used?.byRole ?? [],
      memoryBytes: memory?.now ?? null,
      peakBytes: service.memory?.peak ?? null,
      maskAnswersMs: masking.answersMs,
      recordings: recordings.length,
      faults,
    };
  } finally {
    await service.stop();
  }
};

/** @param planOf the number of a call. @returns each fault with the call it is in */
const faultsIn = async (
  recordings: readonly RecordingDocument[],
  service: LiveService,
  signal: AbortSignal,
  planOf: (call: number) => Expected,
): Promise<string[]> => {
  const faults: string[] = [];
  for (const { id, call_id, state } of recordings) {
    signal.throwIfAborted();
    const expected = planOf(Number(call_id.slice('call-'.length)));
    const own = state === 'stored' ? await recordingFaults(await service.recording(id), expected) : [`it is ${state}`];
    faults.push(...own.map((fault) => `${call_id}: ${fault}`));
  }
  return faults;
};

/** @param begin called when the load's process is ready; it sends when that resolves. */
const sendLoad = async (job: LoadJob, signal: AbortSignal, begin: () => Promise<void>): Promise<LoadResult> => {
  const child = fork(LOAD_PROCESS, [JSON.stringify(job)], {
    execArgv: ['--import', 'tsx'],
    signal,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
  });
  ended.catch(() => {});
  try {
    await Promise.race([once(child, 'message'), ended]);
    await begin();
    child.send('go');
    const [result] = (await Promise.race([once(child, 'message'), ended])) as [LoadResult];
    return result;
  } finally {
    child.kill('SIGKILL');
  }
};

/** Waits until every call's recording is what it will be. */
const allStored = async (
  service: LiveService,
  calls: number,
  signal: AbortSignal,
): Promise<readonly RecordingDocument[]> => {
  const untilMs = performance.now() + FINALIZE_MS;
  for (;;) {
    const recordings = await service.ask<RecordingDocument[]>('GET', 'recordings?paginate=false');
    const unfinished = recordings.filter(({ state }) => state === 'recording' || state === 'finalizing').length;
    if (recordings.length >= calls && unfinished === 0) return recordings;
    if (performance.now() > untilMs)
      throw new Error(`${unfinished} of ${recordings.length} recordings are not finished`);
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
};
