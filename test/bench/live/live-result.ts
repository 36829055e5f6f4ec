/** What the live trial found. */
import type { LoadResult } from './load.ts';
import type { LoopDelays } from './loop-delays.ts';
import type { RoleUse } from './thread-use.ts';

/** Between two looks at the event loop, of the service and beside it. */
export const LOOK_MS = 10;

/** Of an event loop, ms, as Node.js reports it: the time between two looks is in it. */
export type Delay = { readonly p50: number; readonly p99: number; readonly max: number };

export type LiveResult = {
  readonly calls: number;
  readonly seconds: number;
  /** Of the machine, before it began. */
  readonly loadBefore: number;
  readonly load: LoadResult;
  /** Packets, by the service's own count. */
  readonly received: number;
  /** Thrown away by the kernel because the service did not read in time. */
  readonly kernelDropped: number | null;
  readonly delay: LoopDelays;
  /** Of a process that has hardly anything to do, at the same time: what other work on the machine takes. */
  readonly delayBeside: Delay;
  /** From the first hang-up to the last finished recording. */
  readonly delayWhileFinalizing: LoopDelays;
  readonly finalizedSeconds: number;
  /** Of the service while media came: of all its threads, of the one that takes media in, and of each, most first. */
  readonly cpuSeconds: number | null;
  readonly mediaThreadCpuSeconds: number | null;
  readonly threads: readonly RoleUse[];
  /** Resident at the end of the media; at most, finalizing included. */
  readonly memoryBytes: number | null;
  readonly peakBytes: number | null;
  readonly maskAnswersMs: readonly number[];
  readonly recordings: number;
  /** What is wrong with recordings, a sentence each. */
  readonly faults: readonly string[];
};
