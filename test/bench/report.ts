/** The results as text for people. Pure. */
import { TIME_LIMIT_SECONDS } from '../../src/core/record-call.ts';
import { type Goal, goalsReport } from './goals.ts';
import { ingestReport } from './ingest/ingest-report.ts';
import { liveReport } from './live/live-report.ts';
import type { Machine } from './machine.ts';
import type { Others } from './others.ts';
import { pipelineReport } from './pipeline/pipeline-report.ts';
import { recordersReport } from './recorders/recorders-result.ts';
import type { Failed, Growth, Line } from './results.ts';
import type { Skipped } from './schedule.ts';
import { streamsReport } from './streams/streams-trial.ts';
import { columns } from './table.ts';
import { GROUPS, type Group, type Unit } from './trial.ts';

export type Report = Others & {
  readonly machine: Machine;
  readonly rounds: number;
  readonly lines: readonly Line[];
  readonly goals: readonly Goal[];
  readonly growth: readonly Growth[];
  readonly skipped: readonly Skipped[];
  readonly failed: readonly Failed[];
  readonly tookSeconds: number;
  /** Of the machine, before the first run: the benchmark's own is in any later one. */
  readonly loadBefore: number;
};

const NONE = '–';
const HEAD = ['', 'speed', 'spread', 'per CPU s', 'wall s', 'CPU s', 'peak MiB', 'speed against', 'by CPU time'];

export const reportLines = (report: Report): string[] => [
  ...machineLines(report),
  ...(report.lines.length === 0 ? [] : ['', ...tableLines(report), '']),
  ...report.skipped.map(({ trial, driver, lacks }) => `skipped: ${driver}, ${trial}: this machine has no ${lacks}`),
  ...report.failed.map(({ trial, call, driver, why }) => `failed: ${driver}, ${trial}, ${call} call: ${why}`),
  ...(report.lines.length === 0 ? [] : ['', ...noteLines(report)]),
  ...(report.ingest === null ? [] : ['', ...ingestReport(report.ingest)]),
  ...(report.pipeline === null ? [] : ['', ...pipelineReport(report.pipeline)]),
  ...(report.recorders === null ? [] : ['', ...recordersReport(report.recorders, report.pipeline)]),
  ...(report.live === null ? [] : ['', ...liveReport(report.live)]),
  ...(report.streams === null ? [] : ['', ...streamsReport(report.streams)]),
  '',
  ...goalsReport(report.goals),
];

const tableLines = ({ lines, growth }: Report): string[] => [
  ...columns([HEAD, ...Object.keys(GROUPS).flatMap((group) => groupRows(group as Group, lines))]),
  ...(growth.length === 0 ? [] : ['', ...growthLines(growth)]),
];

const noteLines = ({ lines }: Report): string[] => [
  'Calls are two PCMU legs of speech, 20 ms a packet, none lost. Figures are medians; spread is from the slowest round to the fastest.',
  'A whole call: the command as a user runs it; CPU and peak of its process tree, peak the sum of each process’s VmHWM, looked at every 50 ms.',
  ...cutLines(lines),
  ...finalizeLines(lines),
  'Everything else: a loop that times itself; peak is its own process’s maxrss, what it prepared included. Against: the median over rounds.',
];

const machineLines = ({ machine, rounds, lines, tookSeconds, loadBefore }: Report): string[] => {
  const { cpu, cores, memoryBytes, system, versions } = machine;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const turns = lines.length === 0 ? '' : `${rounds} ${rounds === 1 ? 'round' : 'rounds'} in `;
  const busy = loadBefore > cores ? ': busy with other work, so trust CPU time more than the clock' : '';
  return [
    `${cpu}, ${cores} cores, ${gibibytes(memoryBytes)} GiB, ${system}`,
    programs.join(', '),
    `${turns}${Math.round(tookSeconds)} s; load at the start ${loadBefore.toFixed(1)}${busy}`,
  ];
};

const groupRows = (group: Group, lines: readonly Line[]): string[][] => {
  const mine = lines.filter((line) => line.group === group);
  if (mine.length === 0) return [];
  const rows: string[][] = [[], [GROUPS[group]]];
  let heading = '';
  for (const line of mine) {
    const trial = `  ${line.trial}, ${duration(line.callMinutes)}`;
    if (trial !== heading) rows.push([trial]);
    heading = trial;
    rows.push([
      `    ${line.row}`,
      `${amount(line.rate)} ${UNITS[line.unit]}`,
      line.rounds.length > 1 ? `${Math.round(line.spread * 100)} %` : NONE,
      line.cpuRate === null ? NONE : amount(line.cpuRate),
      line.seconds.toFixed(line.seconds < 1 ? 3 : 2),
      line.cpuSeconds === null ? NONE : line.cpuSeconds.toFixed(2),
      line.peakBytes === null ? NONE : mebibytes(line.peakBytes),
      line.against === null ? '' : ratio(line.against.speed, line.against.driver),
      line.against === null ? '' : ratio(line.against.cpu),
    ]);
  }
  return rows;
};

const growthLines = (growth: readonly Growth[]): string[] =>
  columns(
    growth.map(({ trial, driver, minutes, peakBytes }) => [
      `memory, ${driver} ${trial}:`,
      minutes.map((each, at) => `${duration(each)} ${mebibytes(peakBytes[at])} MiB`).join(', '),
      `${(peakBytes.at(-1)! / peakBytes[0]).toFixed(2)} × the memory for ${Math.round(minutes.at(-1)! / minutes[0])} × the call`,
    ]),
  );

const finalizeLines = (lines: readonly Line[]): string[] => [
  ...(lines.some(({ group }) => group === 'finalize')
    ? [
        'Finalizing: ours reads a sealed journal and seals its file, others read PCM; theirs is the whole program, ours a worker that has finished three calls before. The call is the 8 kHz one, which at 16 kHz lasts half as long.',
      ]
    : []),
  ...(lines.some(({ group }) => group === 'stop')
    ? ['From the hang-up: wall s is what somebody waits. A finalizer that has followed has seen all but the last 2 s.']
    : []),
];

/** The rate of a call that outlasts the time limit counts all of it, though only a part became audio. */
const cutLines = (lines: readonly Line[]): string[] =>
  lines.some(({ group, callMinutes }) => group === 'whole' && callMinutes * 60 > TIME_LIMIT_SECONDS)
    ? [
        `A whole call longer than ${TIME_LIMIT_SECONDS / 3600} h is read to its end and recorded up to there, the longest time_limit.`,
      ]
    : [];

const UNITS: Readonly<Record<Unit, string>> = {
  'real time': '× real time',
  packets: 'packets/s',
  MB: 'MB/s',
  actions: 'per s',
};

const ratio = (value: number | null, driver = ''): string =>
  value === null ? NONE : `${value.toFixed(2)} × ${driver}`.trim();

/** Three digits that mean something, thousands and millions shortened. */
const amount = (value: number): string => {
  if (value >= 1e6) return `${significant(value / 1e6)} M`;
  return value >= 1e5 ? `${significant(value / 1e3)} k` : significant(value);
};

const significant = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(3));

const duration = (minutes: number): string =>
  minutes >= 120 ? `${minutes / 60} h` : minutes < 1 ? `${minutes * 60} s` : `${minutes} min`;

const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));

const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(0);
