/** Jobs and what is followed, shared out among threads that a test plays: which gets what, and what becomes of it when one dies. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { FinalizeJob, FinalizeResult, FollowJob } from '../../src/finalize/finalize-job.ts';
import type { FromWorker, ToWorker } from '../../src/finalize/job-messages.ts';
import { FinalizePool } from '../../src/finalize/pool.ts';

const RESULT: FinalizeResult = { state: 'discarded', durationMs: 1, minSeconds: 2 };

class FakeThread extends EventEmitter {
  readonly heard: ToWorker[] = [];
  /** Whether it keeps the program alive. */
  isRef = true;

  postMessage(message: ToWorker): void {
    this.heard.push(message);
  }

  ref(): void {
    this.isRef = true;
  }

  unref(): void {
    this.isRef = false;
  }

  async terminate(): Promise<number> {
    this.die();
    return 1;
  }

  die(): void {
    this.emit('exit', 1);
  }

  say(message: FromWorker): void {
    this.emit('message', message);
  }

  /** What it was told, short: `run x`. */
  get told(): string[] {
    return this.heard.map(
      (each) => `${each.kind} ${each.kind === 'unfollow' ? each.journalPath : each.job.journalPath}`,
    );
  }

  /** Ends its job of that journal well. */
  finish(path: string): void {
    const sent = this.heard.find((each) => each.kind === 'run' && each.job.journalPath === path);
    if (sent?.kind !== 'run') throw new Error(`${path} was not given to it`);
    this.say({ kind: 'done', number: sent.number, result: RESULT });
  }
}

const followJob = (journalPath: string): FollowJob => ({ journalPath, directory: '/', encoder: 'auto' });
const jobOf = (journalPath: string): FinalizeJob => ({ ...followJob(journalPath), mediaName: 'x' });

const scene = (size: number) => {
  const threads: FakeThread[] = [];
  const time = { ms: 0 };
  const pool = new FinalizePool(size, {
    start: () => {
      threads.push(new FakeThread());
      return threads.at(-1) as unknown as Worker;
    },
    now: () => time.ms,
  });
  const ends: string[] = [];
  const follow = (path: string): void =>
    pool.follow(followJob(path), (why, error) => ends.push([path, why, ...(error ? [error.code] : [])].join(' ')));
  /** Told how it ended, and how many times it was told. */
  const run = (path: string): { ended: Promise<string> } => ({
    ended: pool.run(jobOf(path)).then(
      ({ state }) => state,
      (error) => `${error.code}: ${error.message}`,
    ),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { threads, time, pool, ends, follow, run, turn };
};

describe('jobs', () => {
  test('wait for an idle thread, in order, and threads are started when they are needed', async () => {
    const { threads, pool, run, turn } = scene(2);
    for (const path of ['a', 'b', 'c', 'd']) run(path);
    await turn();
    expect(threads.map(({ told }) => told)).toEqual([['run a'], ['run b']]);
    expect(pool.depth).toBe(4);
    threads[1]!.finish('b');
    expect(threads.map(({ told }) => told)).toEqual([['run a'], ['run b', 'run c']]);
    threads[1]!.finish('c');
    threads[0]!.finish('a');
    expect(threads.map(({ told }) => told)).toEqual([['run a'], ['run b', 'run c', 'run d']]);
    expect(threads.map(({ isRef }) => isRef)).toEqual([false, true]);
  });

  test('are told of as they go on, and settle as their thread says', async () => {
    const { threads, pool, turn } = scene(1);
    const shares: number[] = [];
    const done = pool.run(jobOf('a'), (share) => shares.push(share));
    await turn();
    threads[0]!.say({ kind: 'progress', number: 1, share: 0.5 });
    threads[0]!.finish('a');
    expect(await done).toEqual(RESULT);
    expect(shares).toEqual([0.5]);
    const failed = expect(pool.run(jobOf('b'))).rejects.toMatchObject({ code: 'CODEC_UNSUPPORTED', message: 'no' });
    await turn();
    threads[0]!.say({ kind: 'failed', number: 2, code: 'CODEC_UNSUPPORTED', message: 'no' });
    await failed;
  });

  test('whose thread dies are tried once more before those that wait, then fail', async () => {
    const { threads, run, turn } = scene(1);
    const first = run('a');
    run('b');
    await turn();
    threads[0]!.die();
    expect(threads[1]!.told).toEqual(['run a']);
    threads[1]!.die();
    expect(await first.ended).toMatch(/^ENCODE_FAILED: .*thread ended/);
    expect(threads[2]!.told).toEqual(['run b']);
  });

  test('that come to a closed pool, or run when it closes, fail and are not tried again', async () => {
    const { threads, pool, run, turn } = scene(1);
    const all = [run('a'), run('b')];
    await turn();
    await pool.close();
    all.push(run('c'));
    for (const { ended } of all) expect(await ended).toMatch(/^ENCODE_FAILED/);
    expect(threads).toHaveLength(1);
  });
});

describe('following', () => {
  test('is shared out among the threads, and keeps none of them from ending', () => {
    const { threads, follow } = scene(2);
    for (const path of ['a', 'b', 'c', 'a']) follow(path);
    expect(threads.map(({ told }) => told)).toEqual([['follow a', 'follow c'], ['follow b']]);
    expect(threads.map(({ isRef }) => isRef)).toEqual([false, false]);
  });

  test('a job goes at once to the thread that follows its journal, others to one that follows little', async () => {
    const { threads, ends, follow, run, turn } = scene(2);
    for (const path of ['a', 'b', 'c']) follow(path);
    run('x');
    await turn();
    expect(threads[1]!.told).toEqual(['follow b', 'run x']);
    const done = run('b');
    await turn();
    expect(threads[1]!.told).toEqual(['follow b', 'run x', 'run b']);
    threads[1]!.finish('b');
    expect(await done.ended).toBe('discarded');
    expect(ends).toEqual(['b ended']);
    threads[1]!.finish('x');
    follow('d');
    expect(threads[1]!.told.at(-1)).toBe('follow d');
  });

  test('ends when it is asked to, once, and the job waits for that', async () => {
    const { threads, pool, ends, follow, run, turn } = scene(2);
    follow('a');
    const left = [pool.unfollow('a'), pool.unfollow('a')];
    run('a');
    await turn();
    expect(threads.map(({ told }) => told)).toEqual([['follow a', 'unfollow a']]);
    threads[0]!.say({ kind: 'left', journalPath: 'a', why: 'asked' });
    await Promise.all(left);
    await turn();
    expect(threads[0]!.told).toEqual(['follow a', 'unfollow a', 'run a']);
    expect(ends).toEqual(['a asked']);
    await pool.unfollow('nobody');
  });

  test('is not taken from a job that has come', async () => {
    const { threads, pool, follow, run, turn } = scene(1);
    follow('a');
    run('a');
    await turn();
    await pool.unfollow('a');
    expect(threads[0]!.told).toEqual(['follow a', 'run a']);
  });

  test('that is given up or has failed is told, and its job goes to any thread', async () => {
    const { threads, pool, ends, follow, run, turn } = scene(2);
    follow('a');
    follow('b');
    threads[0]!.say({ kind: 'left', journalPath: 'a', why: 'given up' });
    const error = { code: 'OUTPUT_UNWRITABLE', message: 'no room' } as const;
    threads[1]!.say({ kind: 'left', journalPath: 'b', why: 'failed', error });
    expect(ends).toEqual(['a given up', 'b failed OUTPUT_UNWRITABLE']);
    expect(pool.following).toEqual({ recordings: 0, lagSec: 0, givenUp: 1 });
    run('x');
    run('b');
    await turn();
    expect(threads.map(({ told }) => told.at(-1))).toEqual(['run x', 'run b']);
  });

  test('says how far behind it is, also when a thread says nothing', async () => {
    const { threads, time, pool, follow, run, turn } = scene(2);
    expect(pool.following).toEqual({ recordings: 0, lagSec: 0, givenUp: 0 });
    time.ms = 10_000;
    follow('a');
    follow('b');
    time.ms = 12_000;
    expect(pool.following).toMatchObject({ recordings: 2, lagSec: 2 });
    for (const thread of threads) thread.say({ kind: 'abreast', behindMs: 500 });
    expect(pool.following.lagSec).toBe(0.5);
    time.ms = 15_000;
    threads[0]!.say({ kind: 'abreast', behindMs: 0 });
    expect(pool.following.lagSec).toBe(3.5);
    threads[1]!.say({ kind: 'left', journalPath: 'b', why: 'given up' });
    expect(pool.following.lagSec).toBe(0);
    time.ms = 16_000;
    run('a');
    await turn();
    expect(pool.following.lagSec).toBe(1);
    threads[0]!.finish('a');
    expect(pool.following).toMatchObject({ recordings: 0, lagSec: 0 });
  });
});

describe('when a thread dies', () => {
  test('what it followed is begun anew in another', () => {
    const { threads, ends, follow, pool } = scene(2);
    for (const path of ['a', 'b', 'c']) follow(path);
    threads[0]!.die();
    expect(threads.map(({ told }) => told)).toEqual([['follow a', 'follow c'], ['follow b', 'follow c'], ['follow a']]);
    expect({ ends, recordings: pool.following.recordings }).toEqual({ ends: [], recordings: 3 });
  });

  test('that has failed, nothing is begun anew before it has ended: until then it may be at work on the same files', async () => {
    const { threads, follow, run, turn } = scene(1);
    follow('a');
    const { ended } = run('b');
    await turn();
    threads[0]!.emit('error', new Error('out of memory'));
    expect(threads).toHaveLength(1);
    threads[0]!.die();
    expect(threads[1]!.told).toEqual(['follow a', 'run b']);
    threads[1]!.emit('error', new Error('out of memory'));
    threads[1]!.die();
    expect(await ended).toBe('ENCODE_FAILED: the finalizer failed: out of memory');
  });

  test('again and again, what it followed is given up', () => {
    const { threads, ends, follow } = scene(1);
    follow('a');
    for (const thread of [0, 1, 2]) threads[thread]!.die();
    expect(ends).toEqual(['a died ENCODE_FAILED']);
    expect(threads).toHaveLength(3);
  });

  test('in the middle of a job of what it followed, that begins from the journal', async () => {
    const { threads, ends, follow, run, turn } = scene(1);
    follow('a');
    const { ended } = run('a');
    await turn();
    threads[0]!.die();
    expect(ends).toEqual(['a died ENCODE_FAILED']);
    expect(threads[1]!.told).toEqual(['run a']);
    threads[1]!.finish('a');
    expect(await ended).toBe('discarded');
  });

  test('what was to be let go is', async () => {
    const { threads, pool, ends, follow, run, turn } = scene(1);
    follow('a');
    const left = pool.unfollow('a');
    run('a');
    threads[0]!.die();
    await left;
    await turn();
    expect(ends).toEqual(['a died ENCODE_FAILED']);
    expect(threads[1]!.told).toEqual(['run a']);
  });

  test('because the pool closes, nobody waits for what it followed', async () => {
    const { pool, threads, ends, follow } = scene(1);
    follow('a');
    follow('b');
    const left = pool.unfollow('b');
    await pool.close();
    await left;
    expect(ends).toEqual(['a closed', 'b closed']);
    follow('c');
    expect(threads).toHaveLength(1);
  });
});
