/** What the runs of the ingest groups come to. Pure. */
import { type RoleUse, rolesOfAll } from '../live/thread-use.ts';
import { against, median, medianOf, type Rounds, spread } from '../statistics.ts';
import type { IngestRun } from './ingest-run.ts';
import { type Load, packetsPerSecond } from './load.ts';

export type IngestLine = {
  readonly trial: string;
  readonly driver: string;
  readonly ports: number;
  readonly packetsPerSecond: number;
  readonly rounds: readonly IngestRun[];
  /** CPU time of the receiver's process, all its threads; medians. */
  readonly microsPerPacket: number;
  readonly spread: number;
  /** How many times the CPU time of these; null where they were not run, or are this. */
  readonly timesBare: number | null;
  readonly timesDgram: number | null;
  /** Of all rounds. */
  readonly sent: number;
  readonly lost: number;
  readonly mask: { readonly p50: number; readonly p99: number; readonly count: number } | null;
  readonly journalBytesPerSecond: number | null;
  readonly memoryBytes: number | null;
  /** Of all rounds, by kind of thread, most first. */
  readonly threads: readonly RoleUse[];
};

/** By round, as the driver's own; what failed is undefined. */
export type IngestRounds = readonly (IngestRun | undefined)[];

/** What the driver is held against. */
export type Yardsticks = { readonly bare: IngestRounds; readonly dgram: IngestRounds };

export const microsOf = ({ cpuSeconds, work }: IngestRun): number => ((cpuSeconds ?? Number.NaN) * 1e6) / work;

export const ingestLine = (
  { trial, driver, load }: { readonly trial: string; readonly driver: string; readonly load: Load },
  byRound: IngestRounds,
  { bare, dgram }: Yardsticks,
): IngestLine => {
  const rounds = byRound.filter((round) => round !== undefined);
  const micros = rounds.map(microsOf);
  return {
    trial,
    driver,
    ports: load.ports,
    packetsPerSecond: packetsPerSecond(load),
    rounds: rounds.map((round) => ({ ...round, maskAnswersMs: [] })),
    microsPerPacket: median(micros),
    spread: spread(micros),
    timesBare: times(byRound, bare),
    timesDgram: times(byRound, dgram),
    sent: rounds.reduce((sum, { sent }) => sum + sent, 0),
    lost: rounds.reduce((sum, { lost }) => sum + lost, 0),
    mask: quantiles(rounds.flatMap(({ maskAnswersMs }) => maskAnswersMs)),
    journalBytesPerSecond: medianOf(rounds.map(({ journalBytesPerSecond }) => journalBytesPerSecond)),
    memoryBytes: medianOf(rounds.map(({ peakBytes }) => peakBytes)),
    threads: rolesOfAll(rounds.map(({ threads }) => threads)),
  };
};

const times = (byRound: IngestRounds, yardstick: IngestRounds): number | null => {
  if (byRound === yardstick) return null;
  const { cpu } = against(byRound satisfies Rounds, yardstick);
  return cpu === null ? null : 1 / cpu;
};

export const quantiles = (values: readonly number[]): IngestLine['mask'] => {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99), count: sorted.length };
};

/** One driver's ceilings, a round each. */
export type CeilingLine = {
  readonly driver: string;
  /** The median; 0: not even the lowest step. */
  readonly calls: number;
  readonly rounds: readonly { readonly calls: number; readonly by: 'loss' | 'sender' | 'ladder' }[];
};

export const ceilingLine = (driver: string, rounds: CeilingLine['rounds']): CeilingLine => ({
  driver,
  calls: median(rounds.map(({ calls }) => calls)),
  rounds,
});

/** So many calls fed from memory. */
export type FedRun = {
  readonly calls: number;
  readonly packets: number;
  readonly cpuSeconds: number;
  /** Resident, of all calls together. */
  readonly grownBytes: number;
  /** Of these, on JavaScript's heap after a collection. */
  readonly heapBytes: number;
  readonly journalBytes: number;
};

export type FedLine = {
  readonly calls: number;
  readonly microsPerPacket: number;
  readonly spread: number;
  readonly bytesPerCall: number;
  readonly heapBytesPerCall: number;
  /** Memory for each call more than the line before has; null for the first. */
  readonly bytesPerCallMore: number | null;
};

/** @param sizes the runs of each size, smallest first */
export const fedLines = (sizes: readonly (readonly FedRun[])[]): FedLine[] =>
  sizes
    .filter((runs) => runs.length > 0)
    .map((runs, at, all) => {
      const grown = (of: readonly FedRun[]): number => median(of.map(({ grownBytes }) => grownBytes));
      const micros = runs.map(({ cpuSeconds, packets }) => (cpuSeconds * 1e6) / packets);
      const calls = runs[0].calls;
      const before = all[at - 1];
      return {
        calls,
        microsPerPacket: median(micros),
        spread: spread(micros),
        bytesPerCall: grown(runs) / calls,
        heapBytesPerCall: median(runs.map(({ heapBytes }) => heapBytes)) / calls,
        bytesPerCallMore: before === undefined ? null : (grown(runs) - grown(before)) / (calls - before[0].calls),
      };
    });

export type IngestResult = {
  readonly lines: readonly IngestLine[];
  readonly ceilings: readonly CeilingLine[];
  readonly fed: readonly FedLine[];
  readonly mostReceiveBufferBytes: number | null;
  readonly mostOpenFiles: number;
  readonly isPinned: boolean;
  readonly sender: 'rtp-sender.c' | 'node:dgram';
  readonly skipped: readonly { readonly what: string; readonly why: string }[];
  readonly failed: readonly { readonly what: string; readonly why: string }[];
};
