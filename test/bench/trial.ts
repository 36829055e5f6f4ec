/** What a benchmark is made of: trials, each done by several drivers on the same call, ours and other programs'. Types only. */

import type { LoopName, LoopOptions } from './loops/loop.ts';
import type { Capability } from './peers.ts';

/** The calls there are; `--quick` makes them shorter. */
export type CallName = 'minute' | 'brief' | 'short' | 'long' | 'evening' | 'drifting' | 'day';

export type CallFiles = {
  readonly name: CallName;
  readonly minutes: number;
  readonly seconds: number;
  readonly packets: number;
  /** Not there for calls that are made where they are used. */
  readonly capture: string;
  /** s16le, 8000 Hz; undefined for calls that only record-call reads. */
  readonly pcm: PcmFiles | undefined;
};

/** The same speech with leg a left, leg b right, and leg a alone. */
export type PcmFiles = { readonly stereo: string; readonly mono: string | undefined };

/** What a finished file is like, where it isn't 8 kHz stereo. At 16 kHz the same samples are played twice as fast: the whole band is full. */
export type Sound = { readonly rate: 8000 | 16_000; readonly channels: 1 | 2 };

export const USUAL_SOUND: Sound = { rate: 8000, channels: 2 };

/** Of what is made of a call. */
export const soundSeconds = (call: CallFiles, { rate }: Sound): number => (call.seconds * 8000) / rate;

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
  readonly env?: Readonly<Record<string, string>>;
};

/** A program from its start to its end, its whole process tree watched. Makes one file in `out`. */
export type CommandDriver = DriverBase & {
  readonly kind: 'command';
  readonly program: string;
  args(call: CallFiles, out: string): readonly string[];
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
  readonly sound?: Sound;
  /** The driver that the others are held against. */
  readonly yardstick?: string;
  readonly drivers: readonly Driver[];
  /** Only with `--long`. */
  readonly long?: true;
  /** Not with `--quick`. */
  readonly thorough?: true;
  /** Rounds at most, where each takes long. */
  readonly mostRounds?: number;
};

export const GROUPS = {
  whole: 'A whole call, from the start of the program to its end',
  finalize: 'Finalizing: from a sealed journal, or for others from PCM, to a file; one process each',
  stop: 'From the hang-up to the finished file',
  encode: 'Encoding alone, from PCM in memory to a file',
  stages: 'Stages of a replay, in one thread',
  parts: 'Parts, one thread each',
  journal: 'Journals: writing them, and having them durable',
} as const;

export type Group = keyof typeof GROUPS;

/**
 * Those that are more than trials: receivers under load, live calls fed from memory, the service as it ships (calls that come and go, others'
 * recorders beside it, 200 calls listened to, WebSockets).
 */
export const OTHER_GROUPS = ['ingest', 'calls', 'pipeline', 'peers', 'live', 'streams'] as const;

export type AnyGroup = Group | (typeof OTHER_GROUPS)[number];

export const ALL_GROUPS: readonly AnyGroup[] = [...(Object.keys(GROUPS) as Group[]), ...OTHER_GROUPS];

/** One driver's run: `work` in the row's unit (seconds of call for real time). `peakBytes` null where it isn't measured. */
export type Measure = {
  readonly work: number;
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
};
