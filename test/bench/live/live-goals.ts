/** What is wanted of the live service under 200 calls, and whether it was reached. Pure. */
import { type LiveResult, LOOK_MS } from './live-result.ts';

/** Of the event loop, p99, ms as Node.js reports it. */
const MOST_DELAY_MS = 20;
/** The same of an idle process, on a machine that is busy with other work. */
const BUSY_MS = 1.5 * LOOK_MS;

export type Verdict = 'met' | 'missed' | 'unclear';
export type Goal = { readonly verdict: Verdict; readonly text: string };

export const liveGoals = (result: LiveResult): Record<'packets' | 'recordings' | 'delay', Goal> => {
  const { load, received, kernelDropped, recordings, faults, delay, delayBeside, calls } = result;
  const dropped = kernelDropped ?? 0;
  return {
    packets: {
      verdict: received === load.sent ? 'met' : 'missed',
      text: `no packet lost: ${load.sent - received - dropped} inside the process, ${dropped} before it read them`,
    },
    recordings: {
      verdict: faults.length === 0 && recordings === calls ? 'met' : 'missed',
      text: `all recordings right: ${recordings} of ${calls}, ${faults.length} faults`,
    },
    delay: {
      verdict: delayVerdict(delay.media, delayBeside.p99),
      text: `event-loop delay where media is taken in, p99 ${delay.media.toFixed(1)} ms, wanted under ${MOST_DELAY_MS}; ${delayBeside.p99.toFixed(1)} ms in an idle process beside it`,
    },
  };
};

/** Whether what does not depend on how busy the machine is was reached: a run that wasn't is a failure. */
export const areGoalsKept = (result: LiveResult): boolean => {
  const { packets, recordings } = liveGoals(result);
  return packets.verdict === 'met' && recordings.verdict === 'met';
};

/** Where even a process that has nothing to do is late, nobody can tell what the service would do on a machine of its own. */
const delayVerdict = (p99: number, beside: number): Verdict => {
  if (p99 < MOST_DELAY_MS) return 'met';
  return beside > BUSY_MS ? 'unclear' : 'missed';
};
