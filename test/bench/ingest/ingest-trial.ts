/** The ingest groups from their first run to their last, each driver once a round. */
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runChild } from '../child.ts';
import { findCeiling } from './ceiling.ts';
import {
  CEILING_DRIVERS,
  FED_CALLS,
  INGEST_TRIALS,
  type IngestDriver,
  type IngestTrial,
  ladderFor,
  rtcpFor,
} from './ingest-plan.ts';
import {
  type CeilingLine,
  ceilingLine,
  type FedRun,
  fedLines,
  type IngestLine,
  type IngestResult,
  type IngestRounds,
  ingestLine,
} from './ingest-result.ts';
import { type IngestRun, runIngest } from './ingest-run.ts';
import { callsLoad } from './load.ts';
import { mostOpenFiles } from './open-files.ts';
import { isPinned, type Tools } from './tools.ts';

const FED_PROCESS = fileURLToPath(new URL('./fed-process.ts', import.meta.url));
const LEG_BUFFER_BYTES = 128 * 1024;

/** Seconds before what is measured, and of it. A service runs for weeks: what compiles in its first seconds is not what a packet costs. */
const LENGTHS = {
  full: { sockets: { warmSeconds: 2, seconds: 2 }, calls: { warmSeconds: 6, seconds: 3 } },
  quick: { sockets: { warmSeconds: 0.5, seconds: 0.7 }, calls: { warmSeconds: 1, seconds: 0.7 } },
} as const;
/** Fed calls: as long as makes about so many packets, within bounds. */
const FED_PACKETS = { full: 600_000, quick: 150_000 } as const;
/** A search takes many runs, and 10,000 calls long. */
const roundsOfSearch = (rounds: number): number => Math.ceil(rounds / 3);
const roundsOfFeeding = (rounds: number, calls: number): number => (calls > 1000 ? 1 : Math.ceil((2 * rounds) / 3));
const FED_SECONDS = { least: 2, most: 30 } as const;

export type IngestWanted = {
  /** Which of the groups. */
  readonly ingest: boolean;
  readonly calls: boolean;
  readonly quick: boolean;
  readonly rounds: number;
  /** A path that isn't made yet, another each time. */
  readonly newFolder: () => string;
  /** Whether there is a native kernel. */
  readonly hasNative: boolean;
};

export const runIngestGroups = async (
  wanted: IngestWanted,
  tools: Tools,
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<IngestResult> => {
  const run = new IngestTrials(wanted, tools, signal, progress);
  if (wanted.ingest) {
    await run.loads();
    if (!wanted.quick) await run.ceilings();
  }
  if (wanted.calls) await run.fed();
  return run.result;
};

class IngestTrials {
  readonly #wanted: IngestWanted;
  readonly #tools: Tools;
  readonly #signal: AbortSignal;
  readonly #progress: (what: string) => void;
  readonly #mostOpenFiles = mostOpenFiles();
  readonly #lines: IngestLine[] = [];
  readonly #ceilings: CeilingLine[] = [];
  readonly #fed: FedRun[][] = [];
  readonly #skipped: { readonly what: string; readonly why: string }[] = [];
  readonly #failed = new Map<string, string>();

  constructor(wanted: IngestWanted, tools: Tools, signal: AbortSignal, progress: (what: string) => void) {
    this.#wanted = wanted;
    this.#tools = tools;
    this.#signal = signal;
    this.#progress = progress;
  }

  get result(): IngestResult {
    return {
      lines: this.#lines,
      ceilings: this.#ceilings,
      fed: fedLines(this.#fed),
      mostReceiveBufferBytes: mostReceiveBufferBytes(),
      mostOpenFiles: this.#mostOpenFiles,
      isPinned: isPinned(this.#tools),
      sender: this.#tools.sender === undefined ? 'node:dgram' : 'rtp-sender.c',
      skipped: this.#skipped,
      failed: [...this.#failed].map(([what, why]) => ({ what, why })),
    };
  }

  async loads(): Promise<void> {
    const { quick, rounds } = this.#wanted;
    const trials = INGEST_TRIALS.map((trial) => ({
      trial,
      runs: (quick ? trial.quick : trial.drivers)
        .filter((driver) => this.#isAble(trial.name, driver, trial.load.ports))
        .map((driver) => ({ driver, rounds: Array<IngestRun | undefined>(rounds).fill(undefined) })),
    }));
    if (quick) this.#skip('1 port, 10,000 ports, and how many calls are kept', '--quick');
    for (let round = 0; round < rounds; round++)
      for (const { trial, runs } of trials.filter(({ trial: { mostRounds } }) => round < mostRounds))
        for (const { driver, rounds: done } of runs) {
          this.#progress(`round ${round + 1}: ${driver.name}, ${trial.name}`);
          done[round] = await this.#attempt(`${driver.name}, ${trial.name}`, () => this.#run(trial, driver));
        }
    for (const { trial, runs } of trials) {
      const of = (is: (driver: IngestDriver) => boolean): IngestRounds =>
        runs.find(({ driver }) => is(driver))?.rounds ?? [];
      const bare = of(({ receiving }) => receiving === 'bare');
      for (const { driver, rounds: done } of runs) {
        if (done.every((each) => each === undefined)) continue;
        const dgram = of(({ receiving }) => isDgramTwin(receiving, driver.receiving));
        // Rounds stand where they were run, so that each is held against its own.
        this.#lines.push(
          ingestLine({ trial: trial.name, driver: driver.name, load: trial.load }, done, { bare, dgram }),
        );
      }
    }
  }

  async ceilings(): Promise<void> {
    const ladder = ladderFor(this.#mostOpenFiles);
    const drivers = CEILING_DRIVERS.filter((driver) => this.#isAble('how many calls', driver, 2));
    const found = drivers.map((driver) => ({ driver, rounds: [] as CeilingLine['rounds'][number][] }));
    for (let round = 0; round < roundsOfSearch(this.#wanted.rounds); round++)
      for (const { driver, rounds } of found) {
        const what = `${driver.name}, how many calls`;
        const ceiling = await this.#attempt(what, () =>
          findCeiling(ladder, async (calls) => {
            this.#progress(`round ${round + 1}: ${driver.name}, ${calls} calls`);
            const load = callsLoad(calls);
            const run = await this.#run({ load, receiveBufferBytes: LEG_BUFFER_BYTES }, driver);
            if (run.lost > 0 || run.behind > 0 || run.masksRefused > 0) return 'lost';
            return run.hasKeptPace ? 'kept' : 'sender';
          }),
        );
        if (ceiling !== undefined) rounds.push({ calls: ceiling.step ?? 0, by: ceiling.by });
      }
    for (const { driver, rounds } of found)
      if (rounds.length > 0) this.#ceilings.push(ceilingLine(driver.name, rounds));
  }

  async fed(): Promise<void> {
    const { quick, rounds } = this.#wanted;
    const sizes = FED_CALLS.filter((calls) => {
      const why = quick && calls > 1000 ? '--quick' : calls + 200 > this.#mostOpenFiles ? this.#fileLimit : undefined;
      if (why !== undefined) this.#skip(`${calls} calls fed from memory`, why);
      return why === undefined;
    });
    const runs = sizes.map((): FedRun[] => []);
    for (let round = 0; round < rounds; round++)
      for (const [at, calls] of sizes.entries()) {
        if (round >= roundsOfFeeding(rounds, calls)) continue;
        this.#progress(`round ${round + 1}: ${calls} calls fed from memory`);
        const run = await this.#attempt(`${calls} calls fed from memory`, () => this.#feed(calls));
        if (run !== undefined) runs[at].push(run);
      }
    this.#fed.push(...runs);
  }

  async #feed(calls: number): Promise<FedRun> {
    const folder = this.#wanted.newFolder();
    await mkdir(folder, { mode: 0o700 });
    const wantedPackets = this.#wanted.quick ? FED_PACKETS.quick : FED_PACKETS.full;
    const seconds = Math.max(FED_SECONDS.least, Math.min(FED_SECONDS.most, Math.round(wantedPackets / (100 * calls))));
    try {
      const args = ['--expose-gc', '--import', 'tsx', FED_PROCESS, String(calls), String(seconds), folder];
      return JSON.parse((await runChild(process.execPath, args, {}, this.#signal)).stdout) as FedRun;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #run(
    { load, receiveBufferBytes }: Pick<IngestTrial, 'load' | 'receiveBufferBytes'>,
    { receiving }: IngestDriver,
  ): Promise<IngestRun> {
    const lengths = LENGTHS[this.#wanted.quick ? 'quick' : 'full'][receiving === 'bare' ? 'sockets' : receiving.takes];
    const hasRtcp = rtcpFor(receiving, load.ports, this.#mostOpenFiles) ?? false;
    const place = { tools: this.#tools, folder: this.#wanted.newFolder(), signal: this.#signal };
    return runIngest({ receiving, load, receiveBufferBytes, hasRtcp, ...lengths }, place);
  }

  #isAble(trial: string, { name, receiving }: IngestDriver, ports: number): boolean {
    const isNative = receiving !== 'bare' && receiving.receiver === 'native';
    const why =
      receiving === 'bare' && this.#tools.sink === undefined
        ? (this.#tools.why ?? 'not built')
        : isNative && !this.#wanted.hasNative
          ? 'this machine has no native kernel'
          : rtcpFor(receiving, ports, this.#mostOpenFiles) === undefined
            ? this.#fileLimit
            : undefined;
    if (why !== undefined) this.#skip(`${name}, ${trial}`, why);
    return why === undefined;
  }

  get #fileLimit(): string {
    return `${this.#mostOpenFiles} open files are the limit`;
  }

  #skip(what: string, why: string): void {
    this.#skipped.push({ what, why });
  }

  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#failed.set(what, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}

/** The same work behind node:dgram; of a driver that is it, its own runs are none to be held against. */
const isDgramTwin = (one: IngestDriver['receiving'], other: IngestDriver['receiving']): boolean =>
  one !== 'bare' &&
  other !== 'bare' &&
  one.receiver === 'node:dgram' &&
  one.takes === other.takes &&
  one.toggledShare === other.toggledShare;

const mostReceiveBufferBytes = (): number | null => {
  try {
    return Number(readFileSync('/proc/sys/net/core/rmem_max', 'latin1'));
  } catch {
    return null;
  }
};
