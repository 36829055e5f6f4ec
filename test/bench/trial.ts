/** What a benchmark is made of: trials, each done by several drivers on the same call, ours and other programs'. Types only. */

import type { LoopName, LoopOptions } from './loops/loop.ts';
import type { Capability } from './peers.ts';

/** The calls there are; `--quick` makes them shorter. */
export type CallName = 'long' | 'drifting' | 'short' | 'day';

export type CallFiles = {
  readonly name: CallName;
  readonly minutes: number;
  readonly seconds: number;
  readonly packets: number;
  readonly capture: string;
  /** s16le, two channels, 8000 Hz; undefined for calls that only record-call reads. */
  readonly pcm: string | undefined;
};

/** What a second of work is counted in. */
export type Unit = 'real time' | 'packets' | 'MB' | 'actions';

/** One figure of a driver: what it counts, and under which key a loop reports it. */
export type Row = { readonly key: string; readonly label: string; readonly unit: Unit };

type DriverBase = {
  readonly name: string;
  /** Skipped, by name, on a machine that lacks it. */
  readonly needs?: Capability;
  /** The least speed against the trial's yardstick that is wanted. */
  readonly goal?: number;
};

/** A program from its start to its end, its whole process tree watched. Makes one file in `out`. */
export type CommandDriver = DriverBase & {
  readonly kind: 'command';
  readonly program: string;
  args(call: CallFiles, out: string): readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

/** A loop over built modules in a process of its own, which times itself: starting Node is not counted. */
export type LoopDriver = DriverBase & {
  readonly kind: 'loop';
  readonly loop: LoopName;
  readonly options?: LoopOptions;
  readonly rows: readonly Row[];
};

export type Driver = CommandDriver | LoopDriver;

export type Trial = {
  readonly group: Group;
  readonly name: string;
  readonly call: CallName;
  /** What commands make, so that a run that made something else is a failure and no figure. */
  readonly makes?: 'wav' | 'mp3';
  /** The driver that the others are held against. */
  readonly yardstick?: string;
  readonly drivers: readonly Driver[];
  /** Only with `--long`. */
  readonly long?: true;
};

export const GROUPS = {
  whole: 'A whole call, from the start of the program to its end',
  encode: 'Encoding alone, from PCM in memory to a file',
  stages: 'Stages of a replay, in one thread',
  parts: 'Parts, one thread each',
} as const;

export type Group = keyof typeof GROUPS;

/** One driver's run: `work` in the row's unit (seconds of call for real time). `peakBytes` null where it isn't measured. */
export type Measure = {
  readonly work: number;
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
};
