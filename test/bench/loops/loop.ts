/** What a loop is: work on built modules that times itself. */
import type { CallFiles, Sound } from '../trial.ts';

export type LoopName =
  | 'bare-lamejs'
  | 'call-packets'
  | 'capture-read'
  | 'encode'
  | 'finalize'
  | 'journal-storm'
  | 'journal-sync'
  | 'journal-write'
  | 'place'
  | 'resample'
  | 'stages'
  | 'stop'
  | 'survey';

/** Each loop knows its own. */
export type LoopOptions = {
  readonly encoder?: 'wav' | 'lamejs' | 'ffmpeg' | 'libmp3lame';
  readonly format?: 'wav' | 'mp3';
  readonly sound?: Sound;
  /** The finalizer goes along while the call runs. */
  readonly followed?: boolean;
  /** Of each kind, at once. */
  readonly count?: number;
  /** The journal is sealed, as the service's are. */
  readonly sealed?: boolean;
  /** Written to the file system without our code: what a machine's disk takes. */
  readonly bare?: boolean;
  readonly fromHz?: number;
  readonly toHz?: number;
  readonly toggleEverySeconds?: number;
  readonly redactTones?: boolean;
};

export type LoopJob = {
  readonly loop: LoopName;
  readonly options: LoopOptions;
  readonly call: CallFiles;
  /** Empty, its own. */
  readonly folder: string;
  /** Short work is repeated until it has taken this long. */
  readonly leastSeconds: number;
};

export type Sample = { readonly work: number; readonly seconds: number; readonly cpuSeconds: number };

export type Samples = Readonly<Record<string, Sample>>;

export type LoopResult = {
  readonly samples: Samples;
  /** Of the loop's process, its own loading and preparation included. */
  readonly peakBytes: number;
};

/** Every `loops/*.ts` but this one and what they share exports one as `loop`. */
export type Loop = (job: LoopJob) => Promise<Samples>;
