/** The whole pipeline, wav and mp3: what a call costs, and how many one core keeps. */
import { rm } from 'node:fs/promises';
import { findCeiling } from '../ingest/ceiling.ts';
import { mostOpenFiles } from '../ingest/open-files.ts';
import { coresFor, isPinned, type Tools } from '../ingest/tools.ts';
import { writeVoices } from './call-sender.ts';
import { FORMATS, type PipelineFormat, type PipelineSize, pipelineLadder, probeSizes } from './pipeline-plan.ts';
import {
  callsByCpuTime,
  costOf,
  type PipelineLine,
  type PipelineResult,
  type PipelineRun,
  whyNotKept,
} from './pipeline-result.ts';
import { runPipeline } from './pipeline-run.ts';

export type PipelineWanted = {
  readonly quick: boolean;
  /** A path that isn't made yet, another each time. */
  readonly newFolder: () => string;
};

export const runPipelines = async (
  { quick, newFolder }: PipelineWanted,
  tools: Tools,
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<PipelineResult> => {
  const result = {
    lines: [] as PipelineLine[],
    isPinned: isPinned(tools),
    skipped: [] as Told[],
    failed: [] as Told[],
  };
  const program = tools.callSender;
  if (program === undefined) {
    result.skipped.push({ what: 'the whole pipeline', why: tools.why ?? 'the sender was not built' });
    return result;
  }
  const cores = coresFor(tools);
  const voiceFile = `${newFolder()}.voice`;
  await writeVoices(voiceFile);
  const run = async (format: PipelineFormat, size: PipelineSize): Promise<PipelineRun> => {
    progress(`pipeline, ${format}: ${size.calls} calls at once`);
    const data = newFolder();
    try {
      const sender = { program, voiceFile, core: cores.sender };
      return await runPipeline({ ...size, format, data, sender, core: cores.receiver }, signal);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  };
  if (quick) result.skipped.push({ what: 'how many calls the whole pipeline keeps', why: '--quick' });
  for (const format of FORMATS) {
    try {
      result.lines.push(await measure(format, quick, run));
    } catch (error) {
      signal.throwIfAborted();
      result.failed.push({ what: `pipeline, ${format}`, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return result;
};

type Told = { readonly what: string; readonly why: string };

const measure = async (
  format: PipelineFormat,
  quick: boolean,
  run: (format: PipelineFormat, size: PipelineSize) => Promise<PipelineRun>,
): Promise<PipelineLine> => {
  const runs: PipelineRun[] = [];
  for (const size of probeSizes(quick)) runs.push(await run(format, size));
  const cost = costOf(runs);
  const size = probeSizes(quick).at(-1)!;
  if (cost === null) return { format, cost, kept: null, runs };
  const ladder = pipelineLadder(callsByCpuTime(cost, size.callSeconds), mostOpenFiles());
  const ceiling = await findCeiling(ladder, async (calls) => {
    const tried = await run(format, { ...size, calls });
    runs.push(tried);
    const why = whyNotKept(tried);
    return why === undefined ? 'kept' : why.by === 'sender' ? 'sender' : 'lost';
  });
  const calls = Math.max(0, ...runs.filter((each) => whyNotKept(each) === undefined).map((each) => each.calls));
  const kept = { calls, callSeconds: size.callSeconds, by: ceiling.by };
  return { format, cost, kept, runs };
};
