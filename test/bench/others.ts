/** The groups that are more than trials, in the order in which they are run: each once, for its time is the calls' own. */
import type { IngestResult } from './ingest/ingest-result.ts';
import { runIngestGroups } from './ingest/ingest-trial.ts';
import { isIngestWanted } from './ingest/ingest-wanted.ts';
import { buildTools } from './ingest/tools.ts';
import { isLiveWanted, LIVE_CALLS, LIVE_NAME, liveSeconds } from './live/live-plan.ts';
import type { LiveResult } from './live/live-result.ts';
import { runLive } from './live/live-trial.ts';
import type { BenchOptions } from './options.ts';
import type { Peers } from './peers.ts';
import { isPipelineWanted } from './pipeline/pipeline-plan.ts';
import type { PipelineResult } from './pipeline/pipeline-result.ts';
import { runPipelines } from './pipeline/pipeline-trial.ts';
import { arePeersWanted, type RecordersResult } from './recorders/recorders-result.ts';
import { runRecorders } from './recorders/recorders-trial.ts';
import type { Failed } from './results.ts';
import { isStreamsWanted, STREAM_CALLS, STREAMS_NAME, streamsSeconds } from './streams/streams-plan.ts';
import { runStreams, type StreamsResult } from './streams/streams-trial.ts';

/** Null what was not run. */
export type Others = {
  readonly ingest: IngestResult | null;
  readonly pipeline: PipelineResult | null;
  readonly recorders: RecordersResult | null;
  readonly live: LiveResult | null;
  readonly streams: StreamsResult | null;
};

export type OthersPlace = {
  readonly peers: Peers;
  /** A path that isn't made yet, another each time. */
  readonly newFolder: () => string;
  readonly signal: AbortSignal;
  readonly progress: (what: string) => void;
  /** Takes those that could not be measured. */
  readonly failed: Failed[];
};

export const areOthersWanted = (options: BenchOptions): boolean =>
  isIngestWanted(options, 'ingest') ||
  isIngestWanted(options, 'calls') ||
  isPipelineWanted(options) ||
  arePeersWanted(options) ||
  isLiveWanted(options) ||
  isStreamsWanted(options);

export const runOthers = async (
  options: BenchOptions,
  { peers, newFolder, signal, progress, failed }: OthersPlace,
): Promise<Others> => {
  const { quick, rounds } = options;
  const attempt = async <T>(trial: string, isWanted: boolean, work: () => Promise<T>): Promise<T | null> => {
    if (!isWanted) return null;
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      failed.push({ trial, call: 'live', driver: 'record-call serve', why });
      return null;
    }
  };
  const tools = await buildTools(newFolder());
  const wanted = { ingest: isIngestWanted(options, 'ingest'), calls: isIngestWanted(options, 'calls') };
  const hasNative = peers.has.has('native kernel');
  return {
    ingest: await attempt('ingest', wanted.ingest || wanted.calls, () =>
      runIngestGroups({ ...wanted, quick, rounds, newFolder, hasNative }, tools, signal, progress),
    ),
    pipeline: await attempt('pipeline', isPipelineWanted(options), () =>
      runPipelines({ quick, newFolder }, tools, signal, progress),
    ),
    recorders: await attempt('peers', arePeersWanted(options), () =>
      runRecorders({ quick, peers, newFolder }, tools, signal, progress),
    ),
    live: await attempt(LIVE_NAME, isLiveWanted(options), () =>
      runLive({ calls: LIVE_CALLS, seconds: liveSeconds(quick), data: newFolder() }, signal, (what) =>
        progress(`${LIVE_NAME}: ${what}`),
      ),
    ),
    streams: await attempt(STREAMS_NAME, isStreamsWanted(options), () =>
      runStreams({ calls: STREAM_CALLS, seconds: streamsSeconds(quick), data: newFolder() }, signal, (what) =>
        progress(`${STREAMS_NAME}: ${what}`),
      ),
    ),
  };
};
