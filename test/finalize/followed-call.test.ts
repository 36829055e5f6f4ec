/** Calls that are followed by real threads while their journals grow, also by threads that die: the artefact is that of the closed journal. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtUrl } from '../../src/core/built-url.ts';
import type { Format } from '../../src/core/record-call.ts';
import { nativeMp3Coder } from '../../src/finalize/encode/mp3-coder.ts';
import type { FinalizeJob, FinalizeResult } from '../../src/finalize/finalize-job.ts';
import { finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { partPath } from '../../src/finalize/part-files.ts';
import { FinalizePool } from '../../src/finalize/pool.ts';
import { encodeUlaw } from '../../src/kernel/g711.ts';
import type { Recorder } from '../../src/record/recorder.ts';
import { eventually } from '../support/live-api.ts';
import { Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';
import { tone } from '../support/tones.ts';

const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1e3;
/** The fastest that is never ffmpeg. */
const ENCODER = nativeMp3Coder() === undefined ? 'lamejs' : 'libmp3lame';
const PCMU = { name: 'PCMU', clockRate: 8000, channels: 1 };
/** A second of both legs. */
const CODED = [400, 1000].map((hz) => {
  const bytes = new Uint8Array(8000);
  encodeUlaw(tone(hz, 1000, 8000), bytes);
  return bytes;
});

/** A call that speaks as fast as the test likes. */
class Speaking {
  readonly folder = scratchDir();
  readonly #pipeline: Pipeline;
  #recorder: Recorder | undefined;
  #frames = 0;

  constructor(format: Format) {
    this.#pipeline = new Pipeline(this.folder, { onStarted: (recorder) => (this.#recorder = recorder) });
    this.#pipeline.call.recordFromFirstFrame({ format }, 'test');
  }

  get recorder(): Recorder {
    return this.#recorder!;
  }

  /** So many seconds more, which are on the disk then. */
  async speak(seconds: number): Promise<void> {
    for (const until = this.#frames + seconds * 50; this.#frames < until; this.#frames++) {
      const n = this.#frames;
      for (const [index, leg] of (['a', 'b'] as const).entries()) {
        const bytes = CODED[index]!.subarray((n % 50) * 160, (n % 50) * 160 + 160);
        const place = { sequence: n & 0xffff, timestamp: n * 160, arrivalUs: START_US + (n + 1) * 20_000 };
        this.#pipeline.packet({ leg, ssrc: index, ...place, codec: PCMU, bytes });
      }
      if (n % 500 === 0) await this.#pipeline.call.drained();
    }
    await this.recorder.sync();
  }

  end(): Promise<void> {
    return this.#pipeline.call.end();
  }
}

const openPool = (size: number): { readonly pool: FinalizePool; readonly workers: Worker[] } => {
  const workers: Worker[] = [];
  const pool = new FinalizePool(size, {
    start: () => {
      workers.push(new Worker(builtUrl('finalize/worker.js')));
      return workers.at(-1)!;
    },
  });
  onTestFinished(() => pool.close());
  return { pool, workers };
};

const jobOf = async ({ recorder, folder }: Speaking, name: string): Promise<FinalizeJob> => {
  const directory = join(folder, name);
  await mkdir(directory);
  return { journalPath: recorder.path, directory, encoder: ENCODER, mediaName: recorder.head.mediaName };
};

/** Resolves when so much of the artefact is written. */
const written = (part: string, bytes: number): Promise<number> =>
  eventually(() => {
    const stat = statSync(part, { throwIfNoEntry: false });
    return stat !== undefined && stat.size >= bytes ? stat.ino : undefined;
  }, `${bytes} bytes of ${part}`);

const compare = async (result: FinalizeResult, job: FinalizeJob, speaking: Speaking): Promise<void> => {
  const whole = await finalizeRecording({ ...job, directory: (await jobOf(speaking, 'whole')).directory });
  if (result.state !== 'stored' || whole.state !== 'stored') throw new Error('there is no artefact');
  expect(readFileSync(result.path).equals(readFileSync(whole.path))).toBe(true);
  expect(result.manifest).toEqual(whole.manifest);
  // The pair, and nothing half-made.
  expect(readdirSync(job.directory)).toHaveLength(2);
};

/** Of which the last half minute waits for what may yet come, and a buffer's worth for the disk. */
const SPOKEN_SEC = { wav: 50, mp3: 80 } as const;
/** Part of the rest. */
const WRITTEN_BYTES = { wav: 400_000, mp3: 60_000 } as const;

for (const format of ['wav', 'mp3'] as const)
  describe(`a ${format}`, () => {
    test('that was followed is what it would have become at its end', async () => {
      const { pool } = openPool(1);
      const speaking = new Speaking(format);
      await speaking.speak(SPOKEN_SEC[format]);
      const job = await jobOf(speaking, 'out');
      const ends: string[] = [];
      pool.follow(job, (why) => ends.push(why));
      await written(partPath(job.directory, speaking.recorder.head.id), WRITTEN_BYTES[format]);
      await speaking.speak(5.5);
      await speaking.end();
      const result = await pool.run(job);
      expect(ends).toEqual(['ended']);
      await compare(result, job, speaking);
    });

    test('whose thread is killed in mid-call is begun anew in another', async () => {
      const { pool, workers } = openPool(1);
      const speaking = new Speaking(format);
      await speaking.speak(SPOKEN_SEC[format]);
      const job = await jobOf(speaking, 'out');
      const part = partPath(job.directory, speaking.recorder.head.id);
      const ends: string[] = [];
      pool.follow(job, (why) => ends.push(why));
      const first = await written(part, WRITTEN_BYTES[format]);
      // No other file gets its number while it is open.
      const handle = await open(part, 'r');
      onTestFinished(() => handle.close());
      await workers[0]!.terminate();
      const again = await eventually(async () => {
        const ino = await written(part, WRITTEN_BYTES[format]);
        return ino === first ? undefined : ino;
      }, 'another file');
      expect(again).not.toBe(first);
      await speaking.speak(5.5);
      await speaking.end();
      await compare(await pool.run(job), job, speaking);
      expect({ ends, threads: workers.length }).toEqual({ ends: ['ended'], threads: 2 });
    });
  });

test('a thread that is killed at the end of a call costs nothing but time', async () => {
  const { pool, workers } = openPool(1);
  const speaking = new Speaking('mp3');
  await speaking.speak(SPOKEN_SEC.mp3);
  const job = await jobOf(speaking, 'out');
  pool.follow(job);
  await written(partPath(job.directory, speaking.recorder.head.id), WRITTEN_BYTES.mp3);
  await speaking.end();
  const running = pool.run(job);
  await Promise.resolve();
  await workers[0]!.terminate();
  await compare(await running, job, speaking);
  expect(workers).toHaveLength(2);
});

test('one that is let go leaves no file, and can be finalized all the same', async () => {
  const { pool } = openPool(2);
  const speaking = new Speaking('wav');
  await speaking.speak(SPOKEN_SEC.wav);
  const job = await jobOf(speaking, 'out');
  pool.follow(job);
  await written(partPath(job.directory, speaking.recorder.head.id), WRITTEN_BYTES.wav);
  await pool.unfollow(job.journalPath);
  expect(readdirSync(job.directory)).toEqual([]);
  await speaking.end();
  await compare(await pool.run(job), job, speaking);
});
