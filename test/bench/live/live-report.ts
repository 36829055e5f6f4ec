/** The live trial as text for people. Pure. */
import { liveGoals } from './live-goals.ts';
import { type Delay, type LiveResult, LOOK_MS } from './live-result.ts';
import { loopDelaysText } from './loop-delays.ts';
import { coreShare, threadsText } from './use-report.ts';

const MOST_FAULTS_SHOWN = 10;

export const liveReport = (result: LiveResult): string[] => {
  const { calls, seconds, load, faults } = result;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['packets', packets(result)],
    ['event-loop delay', loopDelaysText(result.delay)],
    ['  in an idle process beside it', delayText(result.delayBeside)],
    [
      '  while recordings are finished',
      `${loopDelaysText(result.delayWhileFinalizing)}; ${result.finalizedSeconds.toFixed(1)} s for all`,
    ],
    ['CPU', cpu(result)],
    ['  by thread', result.threads.length === 0 ? undefined : threadsText(result.threads)],
    ['memory', memory(result)],
    ['mask and unmask, durable', maskAnswers(result.maskAnswersMs)],
    ['the sender', `late by ${delayText(load.late)}; ${coreShare(load.cpuSeconds, seconds)}`],
  ];
  const known = rows.filter(([, text]) => text !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return [
    `The live service: ${calls} calls at once for ${seconds} s, two PCMU legs each, to wav; load before it ${result.loadBefore.toFixed(1)}`,
    ...known.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
    ...Object.values(liveGoals(result)).map(({ verdict, text }) => `goal ${verdict}: ${text}`),
    ...faults.slice(0, MOST_FAULTS_SHOWN).map((fault) => `wrong: ${fault}`),
    `The service is a process of its own, the sender another. Delay is as Node.js tells it: ${LOOK_MS} ms are the time between two looks.`,
  ];
};

const packets = ({ load, received, kernelDropped }: LiveResult): string =>
  `${load.sent} sent${load.unsent > 0 ? ` (${load.unsent} could not be)` : ''}, ${received} taken in, ${kernelDropped ?? 'nobody knows how many'} dropped by the kernel`;

const cpu = ({ calls, seconds, cpuSeconds, mediaThreadCpuSeconds }: LiveResult): string | undefined => {
  if (cpuSeconds === null || mediaThreadCpuSeconds === null) return undefined;
  const perCallMinute = (60 * cpuSeconds) / (calls * seconds);
  return `${perCallMinute.toFixed(3)} s per call-minute; ${coreShare(cpuSeconds, seconds)}, ${coreShare(mediaThreadCpuSeconds, seconds)} for the thread that takes media in`;
};

const memory = ({ memoryBytes, peakBytes }: LiveResult): string | undefined =>
  memoryBytes === null || peakBytes === null
    ? undefined
    : `${mebibytes(memoryBytes)} MiB with all calls, ${mebibytes(peakBytes)} at most, finalizing included`;

const maskAnswers = (answersMs: readonly number[]): string | undefined => {
  const sorted = [...answersMs].sort((one, other) => one - other);
  const most = sorted.at(-1);
  return most === undefined
    ? undefined
    : `p50 ${sorted[sorted.length >> 1].toFixed(1)} ms, max ${most.toFixed(1)}; ${sorted.length} times`;
};

const delayText = ({ p50, p99, max }: Delay): string =>
  `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`;

const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));
