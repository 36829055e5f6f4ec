/**
 * Finalizers at work: jobs wait in order for one of a fixed number of worker threads, which are started when needed. A thread also
 * follows the journals of recordings that still run; the job of such a one goes to its thread, at once: little of it is left. When
 * a thread dies, what it followed is begun anew in another, and what it was finalizing is tried once more from the journal.
 */
import { Worker } from 'node:worker_threads';
import { builtUrl } from '../core/built-url.ts';
import { AppError } from '../core/errors.ts';
import type { FinalizeJob, FinalizeResult, FollowJob } from './finalize-job.ts';
import { FinalizerThread, type PoolJob } from './finalizer-thread.ts';
import type { FollowError, LeftReason } from './job-messages.ts';

const WORKER_URL = builtUrl('finalize/worker.js');

/** A journal that is followed may bring down its thread: after so many no further one. */
const MOST_DEATHS = 2;

export type PoolOptions = {
  /** Default: a thread that runs the built worker. */
  readonly start?: () => Worker;
  /** ms, never set back. */
  readonly now?: () => number;
};

/** Why a journal is followed no longer; `ended`: its job has come to its end. */
export type FollowEnd = LeftReason | 'ended' | 'died' | 'closed';

/** @param error what it met where it has failed */
export type OnFollowEnd = (why: FollowEnd, error?: FollowError) => void;

export type FollowCounts = {
  readonly recordings: number;
  /** How long ago the one that is farthest behind was at the end of its journal. */
  readonly lagSec: number;
  /** Since the start: finalized from the journal when they have ended. */
  readonly givenUp: number;
};

type Follow = {
  readonly job: FollowJob;
  readonly onEnd: OnFollowEnd;
  thread: FinalizerThread;
  deaths: number;
  /** Its job has been sent. */
  isEnding: boolean;
  /** Resolves when nothing of it is left, which was asked for. */
  leaving?: Promise<void>;
  left?: () => void;
};

/**
 * Buffers that journals are read and files are written through lie outside of V8's heap, behind small objects in it: with room for many of
 * those they would be let go of only when the whole heap is looked through.
 */
const YOUNG_MEBIBYTES = 4;

const startWorker = (): Worker =>
  new Worker(WORKER_URL, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEBIBYTES } });

export class FinalizePool {
  readonly #size: number;
  readonly #startWorker: () => Worker;
  readonly #now: () => number;
  readonly #waiting: PoolJob[] = [];
  readonly #threads = new Set<FinalizerThread>();
  readonly #follows = new Map<string, Follow>();
  #givenUp = 0;
  #closed = false;

  /** @param size threads at most. */
  constructor(size: number, { start = startWorker, now = () => performance.now() }: PoolOptions = {}) {
    this.#size = Math.max(1, size);
    this.#startWorker = start;
    this.#now = now;
  }

  /** Jobs that wait or run. */
  get depth(): number {
    return [...this.#threads].reduce((sum, { jobs }) => sum + jobs, this.#waiting.length);
  }

  get following(): FollowCounts {
    const nowMs = this.#now();
    const sinceMs = Math.min(nowMs, ...[...this.#threads].map(({ abreastMs }) => abreastMs));
    return { recordings: this.#follows.size, lagSec: (nowMs - sinceMs) / 1000, givenUp: this.#givenUp };
  }

  /** @throws AppError what the finalizer met; ENCODE_FAILED when its thread died, twice. The journal is as it was. */
  async run(job: FinalizeJob, onProgress: (share: number) => void = () => {}): Promise<FinalizeResult> {
    // Two at work on one recording would take away each other's files.
    await this.#follows.get(job.journalPath)?.leaving;
    if (this.#closed) throw shutDown();
    return new Promise((resolve, reject) => {
      const poolJob: PoolJob = { job, onProgress, resolve, reject, isRetry: false };
      const follow = this.#follows.get(job.journalPath);
      if (follow === undefined) {
        this.#waiting.push(poolJob);
        this.#next();
      } else {
        follow.isEnding = true;
        follow.thread.run(poolJob);
      }
    });
  }

  /**
   * Works on a recording that still runs as its journal grows, until its job comes or `unfollow`. What is followed already, or comes
   * to a pool that is closed, is not taken.
   * @param onEnd told once, when it is followed no longer, for whatever reason
   */
  follow(job: FollowJob, onEnd: OnFollowEnd = () => {}): void {
    const { journalPath } = job;
    if (this.#closed || this.#follows.has(journalPath)) return;
    const thread = this.#leastFollowing();
    this.#follows.set(journalPath, { job, onEnd, thread, deaths: 0, isEnding: false });
    thread.follow(job);
  }

  /** Resolves when nothing of that work is left; what its job has come for is left to the job. */
  unfollow(journalPath: string): Promise<void> {
    const follow = this.#follows.get(journalPath);
    if (follow === undefined || follow.isEnding) return Promise.resolve();
    if (follow.leaving === undefined) {
      follow.leaving = new Promise((resolve) => {
        follow.left = resolve;
      });
      follow.thread.unfollow(journalPath);
    }
    return follow.leaving;
  }

  /** Ends the threads; what has not finished fails, and its journal stays. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(shutDown());
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle();
      if (thread === undefined) return;
      thread.run(this.#waiting.shift()!);
    }
  }

  /** Of those that have no job, one that follows little. */
  #idle(): FinalizerThread | undefined {
    const idle = [...this.#threads].filter(({ jobs }) => jobs === 0).sort(byFollows)[0];
    return idle ?? (this.#threads.size < this.#size ? this.#start() : undefined);
  }

  #leastFollowing(): FinalizerThread {
    const least = [...this.#threads].sort(byFollows)[0];
    const isNew = least === undefined || (least.follows > 0 && this.#threads.size < this.#size);
    return isNew ? this.#start() : least;
  }

  #start(): FinalizerThread {
    const thread = new FinalizerThread(
      this.#startWorker(),
      {
        onEnd: (_, { journalPath }) => {
          this.#left(journalPath, 'ended');
          this.#next();
        },
        onLeft: (_, journalPath, why, error) => this.#left(journalPath, why, error),
        onDeath: (dead, unfinished, why) => this.#lose(dead, unfinished, why),
      },
      this.#now,
    );
    this.#threads.add(thread);
    return thread;
  }

  #left(journalPath: string, why: FollowEnd, error?: FollowError): void {
    const follow = this.#follows.get(journalPath);
    if (follow === undefined) return;
    this.#follows.delete(journalPath);
    if (why === 'given up') this.#givenUp++;
    follow.left?.();
    follow.onEnd(why, error);
  }

  #lose(dead: FinalizerThread, unfinished: readonly PoolJob[], why: string): void {
    this.#threads.delete(dead);
    const failure = new AppError('ENCODE_FAILED', `the finalizer failed: ${why}`);
    const retried: PoolJob[] = [];
    for (const each of unfinished) {
      if (this.#closed || each.isRetry) each.reject(failure);
      else retried.push({ ...each, isRetry: true });
    }
    this.#waiting.unshift(...retried);
    for (const [journalPath, follow] of this.#follows) {
      if (follow.thread !== dead) continue;
      if (this.#closed) this.#left(journalPath, 'closed');
      else if (follow.isEnding || follow.leaving !== undefined || ++follow.deaths > MOST_DEATHS)
        this.#left(journalPath, 'died', failure);
      else {
        follow.thread = this.#leastFollowing();
        follow.thread.follow(follow.job);
      }
    }
    if (!this.#closed) this.#next();
  }
}

const byFollows = (one: FinalizerThread, other: FinalizerThread): number => one.follows - other.follows;

const shutDown = (): AppError => new AppError('ENCODE_FAILED', 'the finalizer is shut down');
