/** Whoever records calls from RTP: the service, and programs that others would take instead of it. Types only. */
import type { Capability } from '../peers.ts';

export type Makes = 'wav' | 'mp3' | 'pcap';

/** Where the legs of a call are to be sent. */
export type CallPorts = { readonly a: number; readonly b: number };

export type RecorderPlan = {
  readonly calls: number;
  readonly seconds: number;
  /** Empty, its own. */
  readonly folder: string;
  /** Has the legs say something; resolves when all of it was sent. For who is to be warm before it is measured. */
  readonly speak: (ports: readonly CallPorts[], seconds: number) => Promise<void>;
  readonly signal: AbortSignal;
};

export type Finished = {
  /** Of everything that records, from when it listened for the calls to the last finished file. */
  readonly cpuSeconds: number | null;
  /** What is wrong with what it made, a sentence each. */
  readonly faults: readonly string[];
};

export type Recording = {
  readonly ports: readonly CallPorts[];
  /** The calls end. Resolves when their files are finished. @throws Error when they never are */
  finish(): Promise<Finished>;
  /** Whatever is left of it ends. */
  stop(): Promise<void>;
};

export type CallRecorder = {
  readonly name: string;
  readonly makes: Makes;
  /** Skipped, by name, on a machine that lacks it. */
  readonly needs?: Capability;
  /** Resolves when it listens for every call. */
  start(plan: RecorderPlan): Promise<Recording>;
};
