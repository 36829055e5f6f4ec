/** Compares what is heard in decoded audio with a timed plan: which tone is where, on which channel, and where nothing is. */
import { AssertionError } from 'node:assert';
import { levelOf, peak, span, toDbfs } from './tones.ts';

export type Audio = { readonly sampleRate: number; readonly channels: readonly Int16Array[] };

export type PlannedTone = {
  readonly channel: number;
  readonly hz: number;
  readonly startMs: number;
  readonly endMs: number;
  /** When given, the level must be this one; otherwise it is enough that the tone is clearly there. */
  readonly dbfs?: number;
};

export type AudioPlan = {
  readonly durationMs?: number;
  readonly tones: readonly PlannedTone[];
  /** Where a channel must be silent, to the last sample. */
  readonly silent?: readonly { readonly channel: number; readonly startMs: number; readonly endMs: number }[];
};

/** What may differ, and why. Give another where a test's path is better or worse than this. */
export const TOLERANCES = {
  /** One 20 ms frame at either end: a recording begins and ends with whole frames. */
  durationMs: 40,
  /** One frame, plus half a window of the ear itself: how exactly the start and end of a tone can be told. */
  edgeMs: 30,
  /** µ-law's steps and an mp3 at low bit rates stay well inside; a wrong gain or a halved mix doesn't. */
  levelDb: 1.5,
  /** A planned tone without a level must be at least this loud. */
  presentDbfs: -30,
  /** Away from any edge a tone that isn't there stays below: quantisation noise of µ-law under a −12 dBFS tone. */
  absentDbfs: -45,
  /** Largest peak inside a silent span. 0 dB of nothing: an untouched PCM path has true zeros there. */
  silentDbfs: -120,
};

export type Tolerances = typeof TOLERANCES;

/** The ear's window: 40 ms tell frequencies 50 Hz apart from each other. */
const WINDOW_MS = 40;
const STEP_MS = 10;

const place = (startMs: number, endMs: number): string => `${Math.round(startMs)}–${Math.round(endMs)} ms`;

/** One sentence for each thing that is not as planned; empty when all is well. */
export const planFaults = (audio: Audio, plan: AudioPlan, override: Partial<Tolerances> = {}): string[] => {
  const tolerances = { ...TOLERANCES, ...override };
  const { sampleRate, channels } = audio;
  const faults: string[] = [];
  const lengthMs = ((channels[0]?.length ?? 0) * 1000) / sampleRate;
  if (plan.durationMs !== undefined && Math.abs(lengthMs - plan.durationMs) > tolerances.durationMs) {
    faults.push(`lasts ${lengthMs.toFixed(1)} ms instead of ${plan.durationMs} ms`);
  }
  for (const planned of plan.tones) {
    const pcm = channels[planned.channel];
    if (pcm === undefined) faults.push(`channel ${planned.channel} is missing`);
    else faults.push(...toneFaults(pcm, sampleRate, planned, tolerances));
  }
  for (const [channel, pcm] of channels.entries()) {
    faults.push(...strayFaults(pcm, channel, sampleRate, plan.tones, tolerances));
  }
  for (const { channel, startMs, endMs } of plan.silent ?? []) {
    const pcm = channels[channel];
    if (pcm === undefined) {
      faults.push(`channel ${channel} is missing`);
      continue;
    }
    const part = span(pcm, sampleRate, startMs, endMs);
    const loudest = toDbfs(peak(part));
    if (part.length === 0) faults.push(`channel ${channel} has no samples in ${place(startMs, endMs)}`);
    else if (loudest > tolerances.silentDbfs) {
      faults.push(`channel ${channel} is not silent in ${place(startMs, endMs)}: peak ${loudest.toFixed(1)} dBFS`);
    }
  }
  return faults;
};

const toneFaults = (pcm: Int16Array, sampleRate: number, planned: PlannedTone, tolerances: Tolerances): string[] => {
  const { channel, hz, startMs, endMs, dbfs } = planned;
  const name = `channel ${channel}: ${hz} Hz at ${place(startMs, endMs)}`;
  const from = startMs + tolerances.edgeMs;
  const to = endMs - tolerances.edgeMs;
  if (to - from < WINDOW_MS) throw new RangeError(`${name} is too short to be heard between its edges`);
  const quietest = lowestLevel(pcm, sampleRate, hz, from, to);
  if (dbfs === undefined) {
    return quietest < tolerances.presentDbfs ? [`${name} is missing: ${quietest.toFixed(1)} dBFS`] : [];
  }
  const level = levelOf(pcm, sampleRate, hz, from, to);
  const off = Math.max(Math.abs(level - dbfs), dbfs - quietest);
  const heard = `${level.toFixed(1)} dBFS, ${quietest.toFixed(1)} at its quietest, instead of ${dbfs}`;
  return off > tolerances.levelDb ? [`${name} is at ${heard}`] : [];
};

/** The quietest window of a span: a hole in a tone shows here and not in the mean. */
const lowestLevel = (pcm: Int16Array, sampleRate: number, hz: number, from: number, to: number): number => {
  let lowest = Number.POSITIVE_INFINITY;
  for (let at = from; at + WINDOW_MS <= to; at += STEP_MS) {
    lowest = Math.min(lowest, levelOf(pcm, sampleRate, hz, at, at + WINDOW_MS));
  }
  return lowest;
};

/** Every planned frequency, looked for on this channel wherever the plan does not have it. */
const strayFaults = (
  pcm: Int16Array,
  channel: number,
  sampleRate: number,
  tones: readonly PlannedTone[],
  tolerances: Tolerances,
): string[] => {
  const here = tones.filter((planned) => planned.channel === channel);
  const edges = here.flatMap(({ startMs, endMs }) => [startMs, endMs]);
  const lengthMs = (pcm.length * 1000) / sampleRate;
  const faults: string[] = [];
  for (const hz of new Set(tones.map((planned) => planned.hz))) {
    const own = here.filter((planned) => planned.hz === hz);
    let stray: { from: number; to: number; loudest: number } | undefined;
    const report = (): void => {
      if (stray === undefined) return;
      const where = place(stray.from, stray.to);
      faults.push(
        `channel ${channel}: ${hz} Hz is heard at ${where}, ${stray.loudest.toFixed(1)} dBFS, where it isn't planned`,
      );
      stray = undefined;
    };
    for (let at = 0; at + WINDOW_MS <= lengthMs; at += STEP_MS) {
      const to = at + WINDOW_MS;
      // An edge of any tone is a click, heard at every frequency.
      const nearEdge = edges.some((edge) => edge > at - tolerances.edgeMs && edge < to + tolerances.edgeMs);
      const isOwn = own.some(({ startMs, endMs }) => startMs < to && at < endMs);
      const level = nearEdge || isOwn ? Number.NEGATIVE_INFINITY : levelOf(pcm, sampleRate, hz, at, to);
      if (level <= tolerances.absentDbfs) report();
      else stray = { from: stray?.from ?? at, to, loudest: Math.max(level, stray?.loudest ?? level) };
    }
    report();
  }
  return faults;
};

/** Throws with every fault on a line of its own when the audio is not as planned. */
export const assertPlan = (audio: Audio, plan: AudioPlan, override: Partial<Tolerances> = {}): void => {
  const faults = planFaults(audio, plan, override);
  if (faults.length > 0) throw new AssertionError({ message: `heard otherwise than planned:\n${faults.join('\n')}` });
};
