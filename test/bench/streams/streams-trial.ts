/**
 * 500 calls at once that come as WebSockets, into the service as it ships: every frame that was sent is in a recording.
 *
 *     bench ──HTTP──▶ service (dist/cli.js serve) ◀──WebSockets── load (streams-process.ts)
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Credentials } from '../../../src/app/credentials.ts';
import type { Manifest } from '../../../src/finalize/manifest.ts';
import type { RecordingDocument } from '../../../src/http/service.ts';
import type { StreamDocument } from '../../../src/http/stream-service.ts';
import { LiveService } from '../live/live-service.ts';
import { type LoopDelays, loopDelaysIn, loopDelaysText } from '../live/loop-delays.ts';
import { mediaSeconds, type RoleUse, usedBetween } from '../live/thread-use.ts';
import { coreShare, threadsText } from '../live/use-report.ts';
import { loadNow } from '../machine.ts';
import { FRAME_BYTES, FRAME_MS, type StreamsJob, type StreamsLoad } from './streams-plan.ts';

const LOAD_PROCESS = fileURLToPath(new URL('./streams-process.ts', import.meta.url));
/** What is on its way when the load ends has come by then. */
const SETTLE_MS = 1500;
const FINALIZE_MS = 180_000;

export type StreamsResult = {
  readonly calls: number;
  readonly seconds: number;
  readonly load: StreamsLoad;
  /** Frames that the service has taken in, and those that are in recordings, of the lesser of both legs. */
  readonly taken: number;
  readonly recorded: number;
  readonly recordings: number;
  /** Longest and shortest of them, s. */
  readonly lengthsSec: readonly [shortest: number, longest: number];
  readonly delay: LoopDelays;
  readonly cpuSeconds: number | null;
  readonly mediaThreadCpuSeconds: number | null;
  readonly threads: readonly RoleUse[];
  readonly peakBytes: number | null;
  readonly loadBefore: number;
};

export const runStreams = async (
  { calls, seconds, data }: { readonly calls: number; readonly seconds: number; readonly data: string },
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<StreamsResult> => {
  const loadBefore = loadNow();
  progress('starting the service');
  const service = await LiveService.start(data, signal);
  try {
    const { url, account_id, api_key } = JSON.parse(
      await readFile(join(data, 'credentials.json'), 'utf8'),
    ) as Credentials;
    const query = new URLSearchParams({ token: api_key, record_call: '{"format":"wav"}' });
    const job: StreamsJob = {
      url: `${url.replace(/^http/, 'ws')}/v2/accounts/${account_id}/streams/audio-fork?${query}`,
      ...{ calls, seconds },
    };
    progress(`${calls} connections`);
    const child = fork(LOAD_PROCESS, [JSON.stringify(job)], { signal, execArgv: ['--import', 'tsx'] });
    await once(child, 'message', { signal });
    await service.metrics();
    const before = service.use;
    progress(`${calls} calls for ${seconds} s`);
    child.send('begin');
    const [load] = (await once(child, 'message', { signal })) as [StreamsLoad];
    await sleep(SETTLE_MS, undefined, { signal });
    const used = usedBetween(before, service.use);
    const delay = loopDelaysIn(await service.metrics());
    const streams = await service.ask<StreamDocument[]>('GET', 'streams');
    const taken = streams.reduce((sum, { bytes }) => sum + bytes, 0) / FRAME_BYTES;
    child.send('end');
    progress('finalizing');
    const documents = await finished(service, calls, signal);
    const found = { recorded: 0, lengths: [] as number[] };
    for (const { id } of documents) {
      const { legs, artefact } = await service.ask<Manifest>('GET', `recordings/${id}/manifest`);
      found.recorded += Math.min(legs.a.packets.received, legs.b.packets.received);
      found.lengths.push(artefact.duration_ms / 1000);
    }
    return {
      ...{ calls, seconds, load, taken, loadBefore, recorded: found.recorded, recordings: documents.length },
      lengthsSec: [Math.min(...found.lengths), Math.max(...found.lengths)],
      delay,
      cpuSeconds: used?.cpuSeconds ?? null,
      mediaThreadCpuSeconds: used === null ? null : mediaSeconds(used.byRole),
      threads: used?.byRole ?? [],
      peakBytes: service.memory?.peak ?? null,
    };
  } finally {
    await service.stop();
  }
};

/** None was lost on its way through the process. */
export const areFramesKept = ({ load, taken, recorded, recordings, calls }: StreamsResult): boolean =>
  load.broken === 0 && taken === load.sent && recorded === load.sent && recordings === calls;

export const streamsReport = (result: StreamsResult): string[] => {
  const { calls, seconds, load, taken, recorded, recordings, lengthsSec, loadBefore } = result;
  const share = (cpu: number | null): string => (cpu === null ? '?' : coreShare(cpu, seconds));
  return [
    `Streams: ${calls} WebSocket calls at once for ${seconds} s, two legs of 8 kHz linear, ${FRAME_MS} ms a message, to wav; load before it ${loadBefore.toFixed(1)}`,
    `  frames      ${load.sent} sent, ${taken} taken in, ${recorded} recorded in ${recordings} recordings of ${lengthsSec.map((each) => each.toFixed(2)).join(' to ')} s`,
    `  event loops delay ${loopDelaysText(result.delay)}`,
    `  CPU         ${share(result.cpuSeconds)}, ${share(result.mediaThreadCpuSeconds)} for the thread that takes media in`,
    ...(result.threads.length === 0 ? [] : [`  by thread   ${threadsText(result.threads)}`]),
    `  memory      ${result.peakBytes === null ? '?' : Math.round(result.peakBytes / 2 ** 20)} MiB at most`,
    `  the sender  late by at most ${load.lateMs.toFixed(0)} ms; ${share(load.cpuSeconds)}; ${load.broken} connections broke`,
    `goal ${areFramesKept(result) ? 'met' : 'missed'}: no frame is lost inside the process`,
  ];
};

const finished = async (service: LiveService, calls: number, signal: AbortSignal): Promise<RecordingDocument[]> => {
  const untilMs = performance.now() + FINALIZE_MS;
  for (;;) {
    const documents = await service.ask<RecordingDocument[]>('GET', 'recordings?paginate=false');
    const stored = documents.filter(({ state }) => state === 'stored');
    if (stored.length >= calls || performance.now() > untilMs) return stored;
    await sleep(500, undefined, { signal });
  }
};
