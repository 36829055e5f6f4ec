/** The whole pipeline as text for people. Pure. */
import { threadsText } from '../live/use-report.ts';
import { columns } from '../table.ts';
import { USUAL_CALL_SECONDS } from './pipeline-plan.ts';
import {
  callsByCpuTime,
  costPerMinute,
  type PipelineLine,
  type PipelineResult,
  type PipelineRun,
  whyNotKept,
} from './pipeline-result.ts';

const NONE = '–';
const HEAD = [
  'The whole pipeline, from sockets to finished files: calls that come and go',
  ...[
    'calls',
    'at once',
    'CPU s a call-minute',
    'by CPU time',
    'loop p99',
    'announce p99',
    'drained in',
    'MiB',
    'kept',
  ],
];

export const pipelineReport = ({ lines, isPinned, skipped, failed }: PipelineResult): string[] => [
  ...(lines.length === 0 ? [] : columns([HEAD, ...lines.flatMap(({ runs }) => runs.map(rowOf))])),
  ...lines.flatMap((line) => [...threadLines(line), ...costLines(line), ...keptLines(line, isPinned)]),
  ...skipped.map(({ what, why }) => `skipped: ${what}: ${why}`),
  ...failed.map(({ what, why }) => `failed: ${what}: ${why}`),
  ...(lines.length === 0 ? [] : [noteOf(isPinned)]),
];

const rowOf = (run: PipelineRun): string[] => {
  const cost = costPerMinute(run);
  return [
    `    ${run.format}, ${run.callSeconds} s each`,
    String(run.calls),
    run.atOnce.toFixed(0),
    cost === null ? NONE : cost.toFixed(4),
    cost === null ? NONE : `${Math.round(60 / cost)} a core`,
    `${run.delay.media.toFixed(1)} ms`,
    `${run.delay.api.toFixed(1)} ms`,
    `${run.announceP99Ms.toFixed(0)} ms`,
    `${run.drainSeconds.toFixed(1)} s`,
    run.peakBytes === null ? NONE : String(Math.round(run.peakBytes / 2 ** 20)),
    whyNotKept(run)?.why ?? 'yes',
  ];
};

/** Of the run with most calls that was kept, else of the first. */
const threadLines = ({ format, runs }: PipelineLine): string[] => {
  const kept = runs.filter((run) => whyNotKept(run) === undefined).sort((one, other) => other.calls - one.calls);
  const run = kept[0] ?? runs[0];
  return run === undefined || run.threads.length === 0
    ? []
    : [`  ${format}, ${run.calls} calls, by thread: ${threadsText(run.threads)}`];
};

const costLines = ({ format, cost }: PipelineLine): string[] =>
  cost === null
    ? []
    : [
        `  ${format}: ${(1000 * cost.perCall).toFixed(1)} ms for a call and ${(1000 * cost.perMinute).toFixed(1)} ms for each minute of it: ${Math.round(callsByCpuTime(cost, USUAL_CALL_SECONDS))} calls of ${USUAL_CALL_SECONDS} s a core by CPU time`,
      ];

const BY = {
  loss: 'more are not kept',
  sender: 'or more: the sender can’t keep that pace',
  ladder: 'or more: as far as was tried',
} as const;

const keptLines = ({ format, kept }: PipelineLine, isPinned: boolean): string[] =>
  kept === null
    ? []
    : [
        `  ${format}: ${kept.calls} calls of ${kept.callSeconds} s at once are kept ${isPinned ? 'on one core' : 'with no core of its own'} (${BY[kept.by]})`,
      ];

const noteOf = (isPinned: boolean): string =>
  `dist/cli.js serve, ${isPinned ? 'on one core, the sender and who asks on another' : 'no core of its own'}. CPU is all of its threads while as many calls end as begin; kept: no packet lost or read late, every recording right, no queue that grows.`;
