/** How big the trials of the whole pipeline are, and who asks for them. Pure. */
import { PER_SECOND_ONE_BY_ONE } from '../ingest/load.ts';

export const PIPELINE_NAME = 'pipeline';
export const FORMATS = ['wav', 'mp3'] as const;
export type PipelineFormat = (typeof FORMATS)[number];

export type PipelineSize = {
  /** At once. */
  readonly calls: number;
  /** Of each. */
  readonly callSeconds: number;
  /** From the first call on, before what is measured: a call's length at least. */
  readonly warmSeconds: number;
  /** For which as many calls end as begin. */
  readonly steadySeconds: number;
};

/** What is measured first: loads that are kept anywhere, of short calls and of longer ones. The last is what a search goes on from. */
export const probeSizes = (quick: boolean): readonly PipelineSize[] =>
  quick
    ? [{ calls: 40, callSeconds: 4, warmSeconds: 5, steadySeconds: 4 }]
    : [
        { calls: 100, callSeconds: 4, warmSeconds: 10, steadySeconds: 8 },
        { calls: 200, callSeconds: 12, warmSeconds: 12, steadySeconds: 8 },
      ];

/** What a call is taken to last where people talk: no run is as long. */
export const USUAL_CALL_SECONDS = 180;

/** Shares of what CPU time comes to that are tried, to find what is really kept. */
const SHARES = [0.55, 0.7, 0.85, 1] as const;
const ROUND_TO = 10;

/**
 * How many calls at once are tried, fewest first.
 *
 * @param byCpuTime how many calls one core comes to
 * @param mostOpenFiles a limit of a process
 */
export const pipelineLadder = (byCpuTime: number, mostOpenFiles: number): readonly number[] => {
  const most = Math.min(byCpuTime, mostCalls(mostOpenFiles));
  const steps = SHARES.map((share) => Math.floor((share * most) / ROUND_TO) * ROUND_TO);
  return [...new Set(steps)].filter((calls) => calls > 0);
};

/** Two legs of two sockets each, and a journal; what a process has open besides, and files being finished. */
const FILES_PER_CALL = 5;
const FILES_BESIDES = 400;

export const mostCalls = (mostOpenFiles: number): number =>
  Math.max(0, Math.floor((mostOpenFiles - FILES_BESIDES) / FILES_PER_CALL));

/** Packets of a leg that leave together, so that a sender keeps the pace. */
export const burstFor = (calls: number): number => {
  const perSecond = 100 * calls;
  return perSecond <= PER_SECOND_ONE_BY_ONE ? 1 : 2 ** Math.ceil(Math.log2(perSecond / PER_SECOND_ONE_BY_ONE));
};

/** When call `call` begins, s after the first: evenly over the length of one, so that later each takes the place of one that ends. */
export const beginsAt = ({ calls, callSeconds }: PipelineSize, call: number): number => (call * callSeconds) / calls;

/** All calls that begin, those of the steady time among them. */
export const callsBegun = ({ calls, callSeconds, warmSeconds, steadySeconds }: PipelineSize): number =>
  Math.floor((calls * (warmSeconds + steadySeconds)) / callSeconds);

export const isPipelineWanted = ({
  filters,
  only = [],
}: {
  readonly filters: readonly string[];
  readonly only?: readonly string[];
}): boolean => {
  if (only.length > 0 && !only.includes('pipeline')) return false;
  const names = `${PIPELINE_NAME} whole pipeline live calls per core from socket to finished file wav mp3 record-call serve`;
  return filters.every((filter) => names.includes(filter.toLowerCase()));
};
