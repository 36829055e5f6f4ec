/** `npm run bench`: how fast and how big, on this machine, beside other programs on the same PCM in the same run. See options.ts. */
import { setMaxListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { ProgressLine } from '../../src/cli/progress.ts';
import { goalsOf } from './goals.ts';
import { areGoalsKept } from './live/live-goals.ts';
import { describeMachine, loadNow } from './machine.ts';
import { type BenchOptions, parseBenchOptions, USAGE } from './options.ts';
import { areOthersWanted, type Others, runOthers } from './others.ts';
import { findPeers, type Peers } from './peers.ts';
import { type Report, reportLines } from './report.ts';
import { growthOf, Results } from './results.ts';
import { runDriver } from './run-driver.ts';
import { makeSchedule, type Schedule } from './schedule.ts';
import { areFramesKept } from './streams/streams-trial.ts';
import { TRIALS } from './trials.ts';
import { Workspace } from './workspace.ts';

/** Short work is repeated until it has filled this. */
const LEAST_SECONDS = { full: 0.5, quick: 0.2 } as const;

/** A key pressed once comes as two signals: from the terminal, and from the program that runs this one. */
const ONE_KEY_PRESS_MS = 500;

type Outcome = Others & { readonly results: Results };

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
    const others = await runOthers(options, {
      peers,
      newFolder: () => workspace.runFolder(),
      signal,
      progress: (what) => progress.show(what, 1),
      failed: results.failed,
    });
    return { results, ...others };
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
  if (schedule.turns.length === 0 && !areOthersWanted(options))
    throw new Error('no trial of that name can be run here');
  const { results, ...others } = await runAll(schedule, options, peers, signal);
  const lines = results.lines(TRIALS);
  const report: Report = {
    machine,
    rounds: options.rounds,
    lines,
    growth: growthOf(lines),
    goals: goalsOf({ lines, ...others }),
    ...others,
    skipped: schedule.skipped,
    failed: results.failed,
    tookSeconds: (performance.now() - startedAt) / 1000,
    loadBefore,
  };
  process.stdout.write(`${reportLines(report).join('\n')}\n`);
  const json = JSON.stringify({ options, ...report }, null, options.json === undefined ? undefined : 2);
  if (options.json === undefined) process.stdout.write(`\n${json}\n`);
  else await writeFile(options.json, `${json}\n`);
  return isKept(report) ? 0 : 1;
};

/** Whether everything ran, and what does not depend on how busy the machine is was reached. */
const isKept = ({ failed, ingest, pipeline, recorders, live, streams }: Report): boolean =>
  failed.length === 0 &&
  [ingest, pipeline, recorders].every((each) => each === null || each.failed.length === 0) &&
  (live === null || areGoalsKept(live)) &&
  (streams === null || areFramesKept(streams));

const main = async (): Promise<number> => {
  const interrupted = new AbortController();
  // Everything that waits listens to it.
  setMaxListeners(0, interrupted.signal);
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
