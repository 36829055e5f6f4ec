/** One driver on one call, once, in a fresh process: its figures by row. A run that made something else than it should is an error. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TIME_LIMIT_SECONDS } from '../../src/core/record-call.ts';
import { runChild } from './child.ts';
import { kbpsOf } from './commands.ts';
import type { LoopJob, LoopResult } from './loops/loop.ts';
import {
  type CallFiles,
  type Driver,
  type Measure,
  type Sound,
  soundSeconds,
  type Trial,
  USUAL_SOUND,
} from './trial.ts';

const LOOP_PROCESS = fileURLToPath(new URL('./loop-process.ts', import.meta.url));

/** The row of a driver that has only one. */
export const WHOLE = 'whole';

/** Headers, and the frames that an encoder adds. */
const SIZE_TOLERANCE = 0.02;

const bytesPerSecond = (format: 'wav' | 'mp3', sound: Sound): number =>
  format === 'wav' ? sound.rate * sound.channels * 2 : (kbpsOf(sound) * 1000) / 8;

export type Circumstances = {
  readonly trial: Trial;
  readonly call: CallFiles;
  /** Made empty for the run, and removed after it. */
  readonly folder: string;
  readonly leastSeconds: number;
  readonly signal: AbortSignal;
};

export const runDriver = async (
  driver: Driver,
  circumstances: Circumstances,
): Promise<ReadonlyMap<string, Measure>> => {
  const { folder } = circumstances;
  await mkdir(folder, { mode: 0o700 });
  try {
    return driver.kind === 'command' ? await runCommand(driver, circumstances) : await runLoop(driver, circumstances);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const runCommand = async (
  driver: Driver & { kind: 'command' },
  { trial, call, folder, signal }: Circumstances,
): Promise<ReadonlyMap<string, Measure>> => {
  const run = await runChild(driver.program, driver.args(call, folder), driver.env ?? {}, signal);
  const sound = trial.sound ?? USUAL_SOUND;
  const work = soundSeconds(call, sound);
  if (trial.makes !== undefined) await checkOutput(folder, trial.makes, sound, work);
  const { seconds, cpuSeconds, peakBytes } = run;
  return new Map([[WHOLE, { work, seconds, cpuSeconds, peakBytes }]]);
};

const checkOutput = async (folder: string, format: 'wav' | 'mp3', sound: Sound, seconds: number): Promise<void> => {
  const name = (await readdir(folder)).find((each) => each.endsWith(`.${format}`));
  if (name === undefined) throw new Error(`it made no ${format}`);
  const { size } = await stat(join(folder, name));
  const expected = Math.min(seconds, TIME_LIMIT_SECONDS) * bytesPerSecond(format, sound);
  if (Math.abs(size / expected - 1) > SIZE_TOLERANCE)
    throw new Error(`its ${format} has ${size} bytes, not about ${expected}`);
};

const runLoop = async (
  driver: Driver & { kind: 'loop' },
  { call, folder, leastSeconds, signal }: Circumstances,
): Promise<ReadonlyMap<string, Measure>> => {
  const job: LoopJob = { loop: driver.loop, options: driver.options ?? {}, call, folder, leastSeconds };
  const args = ['--import', 'tsx', LOOP_PROCESS, JSON.stringify(job)];
  const run = await runChild(process.execPath, args, driver.env ?? {}, signal);
  const result = JSON.parse(run.stdout) as LoopResult;
  return new Map(
    driver.rows.map(({ key }) => {
      const sample = result.samples[key];
      if (sample === undefined || !(sample.work > 0)) throw new Error(`the loop ${driver.loop} did no ${key}`);
      return [key, { ...sample, peakBytes: result.peakBytes }] as const;
    }),
  );
};
