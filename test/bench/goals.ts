/** What the design wants (§7), what was measured, and whether that is met. Pure. */
import { FED_CALLS, MASKED_CALLS, ONE_THOUSAND_PORTS, TO_ITS_LEG } from './ingest/ingest-plan.ts';
import type { IngestResult } from './ingest/ingest-result.ts';
import { CALL_PACKETS_PER_SECOND } from './ingest/load.ts';
import { type PipelineFormat, USUAL_CALL_SECONDS } from './pipeline/pipeline-plan.ts';
import { callsByCpuTime, type PipelineResult } from './pipeline/pipeline-result.ts';
import type { Line } from './results.ts';
import { columns } from './table.ts';
import { FOLLOWED } from './trials.ts';

/** `unclear`: the clock and CPU time disagree, or something else was at its end before ours; `not measured`: it was left out. */
export type Verdict = 'met' | 'missed' | 'unclear' | 'not measured';

export type Goal = {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly verdict: Verdict;
};

export type Measured = {
  readonly lines: readonly Line[];
  readonly ingest: IngestResult | null;
  readonly pipeline: PipelineResult | null;
};

const WANTED = {
  calls: 5000,
  timesBare: 2,
  pipeline: { wav: 2500, mp3: 600 },
  stopSeconds: 0.2,
  memoryBytes: 64 * 1024,
  /** What a packet may cost more among 10,000 calls than among 100, and still be called linear. */
  growth: 1.25,
} as const;
const HOUR_MINUTES = 60;

export const goalsOf = (measured: Measured): Goal[] => [
  callsOnACore(measured),
  againstBareSink(measured),
  ...(['wav', 'mp3'] as const).map((format) => pipelineGoal(measured, format)),
  ...measured.lines.flatMap(speedGoal),
  ...(['wav', 'mp3'] as const).map((format) => stopGoal(measured, format)),
  memoryPerCall(measured),
  linearCost(measured),
];

/** The goals as a table; those that nothing was run for are named in one line. */
export const goalsReport = (goals: readonly Goal[]): string[] => {
  const known = goals.filter(({ verdict }) => verdict !== 'not measured');
  const left = goals.filter(({ verdict }) => verdict === 'not measured').map(({ what }) => what);
  const rows = known.map(({ what, wanted, measured, verdict }) => [`  ${what}`, wanted, measured, verdict]);
  return [
    ...(known.length === 0 ? [] : columns([['Goals', 'wanted', 'measured', ''], ...rows])),
    ...(left.length === 0 ? [] : [`goals not measured: ${left.join('; ')}`]),
  ];
};

const NOT_MEASURED = { measured: '', verdict: 'not measured' } as const;

const callsOnACore = ({ ingest }: Measured): Goal => {
  const goal = { what: 'live calls on a core, no packet lost, masks on and off', wanted: String(WANTED.calls) };
  const line = ingest?.ceilings.find(({ driver }) => driver === MASKED_CALLS);
  if (line === undefined) return { ...goal, ...NOT_MEASURED };
  const cost = maskedCalls(ingest)?.microsPerPacket;
  const byCpuTime = cost === undefined ? undefined : Math.round(1e6 / (cost * CALL_PACKETS_PER_SECOND));
  const measured = `${line.calls}${byCpuTime === undefined ? '' : ` (${byCpuTime} by CPU time)`}`;
  if (line.calls >= WANTED.calls) return { ...goal, measured, verdict: 'met' };
  // Nobody knows how many more it would have kept.
  const isOurs = line.rounds.some(({ by }) => by === 'loss');
  return { ...goal, measured, verdict: isOurs ? 'missed' : 'unclear' };
};

const maskedCalls = (ingest: IngestResult | null) =>
  ingest?.lines.find(({ driver, trial }) => driver === MASKED_CALLS && trial === ONE_THOUSAND_PORTS);

const againstBareSink = ({ ingest }: Measured): Goal => {
  const goal = {
    what: 'CPU a packet, socket to sealed journal, of a bare recvmmsg sink',
    wanted: `≤ ${WANTED.timesBare} ×`,
  };
  const times = maskedCalls(ingest)?.timesBare;
  if (times === undefined || times === null) return { ...goal, ...NOT_MEASURED };
  const alone = ingest?.lines.find(({ driver, trial }) => driver === TO_ITS_LEG && trial === ONE_THOUSAND_PORTS);
  const toLeg = alone === undefined || alone.timesBare === null ? '' : ` (${alone.timesBare.toFixed(2)} × to its leg)`;
  return { ...goal, measured: `${times.toFixed(2)} ×${toLeg}`, verdict: times <= WANTED.timesBare ? 'met' : 'missed' };
};

const pipelineGoal = ({ pipeline }: Measured, format: PipelineFormat): Goal => {
  const wanted = WANTED.pipeline[format];
  const goal = { what: `live calls on a core, socket to finished ${format}`, wanted: String(wanted) };
  const line = pipeline?.lines.find((each) => each.format === format);
  if (line === undefined || line.kept === null) return { ...goal, ...NOT_MEASURED };
  const { kept, cost } = line;
  const byCpuTime = cost === null ? 0 : callsByCpuTime(cost, USUAL_CALL_SECONDS);
  const measured = `${kept.calls} calls of ${kept.callSeconds} s (${Math.round(byCpuTime)} of ${USUAL_CALL_SECONDS} s by CPU time)`;
  if (kept.calls >= wanted) return { ...goal, measured, verdict: 'met' };
  return { ...goal, measured, verdict: byCpuTime >= wanted || kept.by !== 'loss' ? 'unclear' : 'missed' };
};

/** Of what is held against a yardstick. Other work on the machine must neither meet a goal nor miss it. */
const speedGoal = ({ goal, against, row, trial }: Line): Goal[] => {
  if (goal === null || against === null || against.speed === null) return [];
  const { driver, speed, cpu } = against;
  const [slower, faster] = [Math.min(speed, cpu ?? speed), Math.max(speed, cpu ?? speed)];
  const byCpuTime = cpu === null ? '' : ` (${cpu.toFixed(2)} × by CPU time)`;
  return [
    {
      what: `${trial}, ${row}: as fast as ${driver}`,
      wanted: `≥ ${goal} ×`,
      measured: `${speed.toFixed(2)} ×${byCpuTime}`,
      verdict: slower >= goal ? 'met' : faster < goal ? 'missed' : 'unclear',
    },
  ];
};

const stopGoal = ({ lines }: Measured, format: PipelineFormat): Goal => {
  const goal = { what: `hang-up to finished ${format}, one-hour call`, wanted: `≤ ${1000 * WANTED.stopSeconds} ms` };
  const line = lines.find(
    ({ group, driver, trial, callMinutes }) =>
      group === 'stop' && driver === FOLLOWED && trial === `to ${format}` && callMinutes === HOUR_MINUTES,
  );
  if (line === undefined) return { ...goal, ...NOT_MEASURED };
  const { seconds, cpuSeconds } = line;
  const ms = (value: number): string => `${Math.round(1000 * value)} ms`;
  const measured = `${ms(seconds)}${cpuSeconds === null ? '' : ` (${ms(cpuSeconds)} of CPU time)`}`;
  if (seconds <= WANTED.stopSeconds) return { ...goal, measured, verdict: 'met' };
  return { ...goal, measured, verdict: (cpuSeconds ?? seconds) <= WANTED.stopSeconds ? 'unclear' : 'missed' };
};

const memoryPerCall = ({ ingest }: Measured): Goal => {
  const goal = { what: 'memory of a live call, lookback 0', wanted: `≤ ${WANTED.memoryBytes / 1024} KiB` };
  const most = ingest?.fed.at(-1);
  if (most === undefined || most.bytesPerCallMore === null) return { ...goal, ...NOT_MEASURED };
  return {
    ...goal,
    measured: `${(most.bytesPerCallMore / 1024).toFixed(1)} KiB for each more, up to ${most.calls}`,
    verdict: most.bytesPerCallMore <= WANTED.memoryBytes ? 'met' : 'missed',
  };
};

const linearCost = ({ ingest }: Measured): Goal => {
  const goal = { what: 'cost as calls grow, linear', wanted: `≤ ${WANTED.growth} × a packet` };
  const [first, last] = [ingest?.fed[0], ingest?.fed.at(-1)];
  if (first === undefined || last === undefined || first === last) return { ...goal, ...NOT_MEASURED };
  const growth = last.microsPerPacket / first.microsPerPacket;
  const measured = `${growth.toFixed(2)} × from ${first.calls} to ${last.calls} calls`;
  if (growth > WANTED.growth) return { ...goal, measured, verdict: 'missed' };
  // Fewer than were wanted say nothing of those.
  return { ...goal, measured, verdict: last.calls >= FED_CALLS.at(-1)! ? 'met' : 'unclear' };
};
