/** What runs of the whole pipeline found, and what they come to. Pure. */
import type { LoopDelays } from '../live/loop-delays.ts';
import type { RoleUse } from '../live/thread-use.ts';
import type { PipelineFormat, PipelineSize } from './pipeline-plan.ts';

/** The service under calls that come and go. */
export type PipelineRun = PipelineSize & {
  readonly format: PipelineFormat;
  /** Packets of the whole run, by the sender's count and by the service's. */
  readonly sent: number;
  readonly received: number;
  /** Not read yet when the sender had ended a moment ago, lost or not. */
  readonly behind: number;
  readonly lateMs: number;
  /** In the steady time: how many calls were really at once, their call-minutes, and what they took. */
  readonly atOnce: number;
  readonly callMinutes: number;
  readonly cpuSeconds: number | null;
  readonly threads: readonly RoleUse[];
  readonly delay: LoopDelays;
  /** Recordings that waited for a finalizer or were with one at the end of it. */
  readonly finalizing: number;
  /** From the last hang-ups, all of the calls that are left, to the last finished file. */
  readonly drainSeconds: number;
  /** Announcing a call, ms. */
  readonly announceP99Ms: number;
  /** Resident at the end of the steady time, for each call at once, and at most in all. */
  readonly bytesPerCall: number | null;
  readonly peakBytes: number | null;
  readonly recordings: number;
  /** What is wrong with recordings, a sentence each. */
  readonly faults: readonly string[];
};

/** CPU seconds that every call takes, however long it is, and each minute of one. */
export type CallCost = { readonly perCall: number; readonly perMinute: number };

export type PipelineLine = {
  readonly format: PipelineFormat;
  /** Null where no two lengths of calls were tried, or CPU time isn't known. */
  readonly cost: CallCost | null;
  /** How many were kept, how long they were, and what ended the search; null when there was none. */
  readonly kept: {
    readonly calls: number;
    readonly callSeconds: number;
    readonly by: 'loss' | 'sender' | 'ladder';
  } | null;
  readonly runs: readonly PipelineRun[];
};

export type PipelineResult = {
  readonly lines: readonly PipelineLine[];
  readonly isPinned: boolean;
  readonly skipped: readonly { readonly what: string; readonly why: string }[];
  readonly failed: readonly { readonly what: string; readonly why: string }[];
};

/** From a run of short calls and one of longer ones. */
export const costOf = ([short, long]: readonly PipelineRun[]): CallCost | null => {
  if (short === undefined || long === undefined) return null;
  const [shortCost, longCost] = [costPerMinute(short), costPerMinute(long)];
  if (shortCost === null || longCost === null) return null;
  const perMinute = (run: PipelineRun): number => 60 / run.callSeconds;
  // Short calls that cost no more than long ones: what they differ by is chance.
  const perCall = Math.max(0, (shortCost - longCost) / (perMinute(short) - perMinute(long)));
  return { perCall, perMinute: Math.max(0, longCost - perCall * perMinute(long)) };
};

/** CPU seconds of a call-minute. */
export const costPerMinute = ({ cpuSeconds, callMinutes }: PipelineRun): number | null =>
  cpuSeconds === null || callMinutes === 0 ? null : cpuSeconds / callMinutes;

/** How many calls of a length one core comes to that is spent on nothing else. */
export const callsByCpuTime = ({ perCall, perMinute }: CallCost, callSeconds: number): number =>
  60 / (perMinute + (60 / callSeconds) * perCall);

/** A finalizer is behind when more waits than what ends in so long. */
const MOST_WAITING_SECONDS = 2;
const LEAST_WAITING = 4;
/** A sender that is later than a packet's length is not the load that was asked for. */
const MOST_LATE_MS = 20;
/** So few less than were wanted at once are as many. */
const LEAST_SHARE_AT_ONCE = 0.97;

/** Whether a load is kept: nothing lost, nothing wrong, nothing that piles up. @returns undefined when it is, else why not */
export const whyNotKept = (run: PipelineRun): { readonly by: 'loss' | 'sender'; readonly why: string } | undefined => {
  const lost = run.sent - run.received;
  if (run.lateMs > MOST_LATE_MS) return { by: 'sender', why: `the sender is late by ${run.lateMs} ms` };
  if (lost > 0) return { by: 'loss', why: `${lost} packets lost` };
  if (run.behind > 0) return { by: 'loss', why: `${run.behind} packets read late` };
  if (run.faults.length > 0) return { by: 'loss', why: `${run.faults.length} recordings wrong: ${run.faults[0]}` };
  if (run.atOnce < LEAST_SHARE_AT_ONCE * run.calls)
    return { by: 'loss', why: `calls were let in too slowly: ${Math.round(run.atOnce)} at once` };
  const most = Math.max(LEAST_WAITING, (MOST_WAITING_SECONDS * run.calls) / run.callSeconds);
  return run.finalizing > most ? { by: 'loss', why: `${run.finalizing} recordings wait for a finalizer` } : undefined;
};
