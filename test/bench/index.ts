/** `npm run bench`: how fast and how big, on this machine, beside other programs on the same PCM in the same run. See options.ts. */
import { writeFile } from 'node:fs/promises';
import { ProgressLine } from '../../src/cli/progress.ts';
import type { IngestResult } from './ingest/ingest-result.ts';
import { runIngestGroups } from './ingest/ingest-trial.ts';
import { isIngestWanted } from './ingest/ingest-wanted.ts';
import { areGoalsKept } from './live/live-goals.ts';
import { isLiveWanted, LIVE_CALLS, LIVE_NAME, liveSeconds } from './live/live-plan.ts';
import type { LiveResult } from './live/live-result.ts';
import { runLive } from './live/live-trial.ts';
import { describeMachine, loadNow } from './machine.ts';
import { type BenchOptions, parseBenchOptions, USAGE } from './options.ts';
import { findPeers, type Peers } from './peers.ts';
import { type Report, reportLines } from './report.ts';
import { growthOf, Results } from './results.ts';
import { runDriver } from './run-driver.ts';
import { makeSchedule, type Schedule } from './schedule.ts';
import { isStreamsWanted, STREAM_CALLS, STREAMS_NAME, streamsSeconds } from './streams/streams-plan.ts';
import { areFramesKept, runStreams, type StreamsResult } from './streams/streams-trial.ts';
import { TRIALS } from './trials.ts';
import { Workspace } from './workspace.ts';

/** Short work is repeated until it has filled this. */
const LEAST_SECONDS = { full: 0.5, quick: 0.2 } as const;

/** A key pressed once comes as two signals: from the terminal, and from the program that runs this one. */
const ONE_KEY_PRESS_MS = 500;

type Outcome = {
  readonly results: Results;
  readonly ingest: IngestResult | null;
  readonly live: LiveResult | null;
  readonly streams: StreamsResult | null;
};

const runAll = async (
  { turns }: Schedule,
  options: BenchOptions,
  peers: Peers,
  signal: AbortSignal,
): Promise<Outcome> => {
  const { quick } = options;
  const results = new Results();
  const progress = new ProgressLine(process.stderr);
  const workspace = await Workspace.open(quick, signal);
  try {
    for (const [done, { round, trial, driver }] of turns.entries()) {
      progress.show(`round ${round + 1}: ${driver.name} ${trial.name}, ${trial.call} call`, done / turns.length);
      const call = await workspace.call(trial.call);
      const leastSeconds = quick ? LEAST_SECONDS.quick : LEAST_SECONDS.full;
      try {
        const folder = workspace.runFolder();
        results.add(trial, driver, call, round, await runDriver(driver, { trial, call, folder, leastSeconds, signal }));
      } catch (error) {
        signal.throwIfAborted();
        results.fail(trial, driver, error);
      }
    }
    let ingest: IngestResult | null = null;
    const wanted = { ingest: isIngestWanted(options, 'ingest'), calls: isIngestWanted(options, 'calls') };
    if (wanted.ingest || wanted.calls) {
      const { rounds } = options;
      const newFolder = (): string => workspace.runFolder();
      const hasNative = peers.has.has('native kernel');
      ingest = await runIngestGroups({ ...wanted, quick, rounds, newFolder, hasNative }, signal, (what) =>
        progress.show(what, 1),
      );
    }
    let live: LiveResult | null = null;
    // Last, and once: its minute is the call's own.
    if (isLiveWanted(options)) {
      try {
        const plan = { calls: LIVE_CALLS, seconds: liveSeconds(quick), data: workspace.runFolder() };
        live = await runLive(plan, signal, (what) => progress.show(`${LIVE_NAME}: ${what}`, 1));
      } catch (error) {
        signal.throwIfAborted();
        results.failed.push({ trial: LIVE_NAME, call: 'live', driver: 'record-call serve', why: whyOf(error) });
      }
    }
    let streams: StreamsResult | null = null;
    if (isStreamsWanted(options)) {
      try {
        const plan = { calls: STREAM_CALLS, seconds: streamsSeconds(quick), data: workspace.runFolder() };
        streams = await runStreams(plan, signal, (what) => progress.show(`${STREAMS_NAME}: ${what}`, 1));
      } catch (error) {
        signal.throwIfAborted();
        results.failed.push({ trial: STREAMS_NAME, call: 'live', driver: 'record-call serve', why: whyOf(error) });
      }
    }
    return { results, ingest, live, streams };
  } finally {
    progress.clear();
    await workspace.close();
  }
};

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const bench = async (options: BenchOptions, signal: AbortSignal): Promise<number> => {
  const startedAt = performance.now();
  const loadBefore = loadNow();
  const peers = await findPeers();
  const machine = describeMachine(peers);
  const schedule = makeSchedule(TRIALS, options, peers);
  const isMoreWanted =
    isLiveWanted(options) ||
    isStreamsWanted(options) ||
    isIngestWanted(options, 'ingest') ||
    isIngestWanted(options, 'calls');
  if (schedule.turns.length === 0 && !isMoreWanted) throw new Error('no trial of that name can be run here');
  const { results, ingest, live, streams } = await runAll(schedule, options, peers, signal);
  const lines = results.lines(TRIALS);
  const report: Report = {
    machine,
    rounds: options.rounds,
    lines,
    growth: growthOf(lines),
    ingest,
    live,
    streams,
    skipped: schedule.skipped,
    failed: results.failed,
    tookSeconds: (performance.now() - startedAt) / 1000,
    loadBefore,
  };
  process.stdout.write(`${reportLines(report).join('\n')}\n`);
  const json = JSON.stringify({ options, ...report }, null, options.json === undefined ? undefined : 2);
  if (options.json === undefined) process.stdout.write(`\n${json}\n`);
  else await writeFile(options.json, `${json}\n`);
  const hasFailed = results.failed.length > 0 || (ingest !== null && ingest.failed.length > 0);
  const isKept = (live === null || areGoalsKept(live)) && (streams === null || areFramesKept(streams));
  return !hasFailed && isKept ? 0 : 1;
};

const main = async (): Promise<number> => {
  const interrupted = new AbortController();
  let interruptedAtMs = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const nowMs = performance.now();
      if (!interrupted.signal.aborted) {
        interruptedAtMs = nowMs;
        interrupted.abort(new Error(`ended by ${name}`));
      } else if (nowMs - interruptedAtMs > ONE_KEY_PRESS_MS) {
        // Whoever asks twice doesn't want to wait for the program that runs; the temporary folder goes all the same.
        process.exit(130);
      }
    });
  }
  try {
    const options = parseBenchOptions(process.argv.slice(2));
    if (!options.help) return await bench(options, interrupted.signal);
    process.stdout.write(USAGE);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${whyOf(error)}\n`);
    return interrupted.signal.aborted ? 130 : 2;
  }
};

process.exitCode = await main();
