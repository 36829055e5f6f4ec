/** One worker thread of the pool as the pool sees it: the jobs it has, and how far behind it is with what it follows. */
import type { Worker } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import type { FinalizeJob, FinalizeResult, FollowJob } from './finalize-job.ts';
import type { FollowError, FromWorker, LeftReason, ToWorker } from './job-messages.ts';

export type PoolJob = {
  readonly job: FinalizeJob;
  readonly onProgress: (share: number) => void;
  readonly resolve: (result: FinalizeResult) => void;
  readonly reject: (error: AppError) => void;
  /** A thread has died of it, or with it. */
  readonly isRetry: boolean;
};

export type ThreadListener = {
  /** One of its jobs has come to its end. */
  onEnd(thread: FinalizerThread, job: FinalizeJob): void;
  onLeft(thread: FinalizerThread, journalPath: string, why: LeftReason, error?: FollowError): void;
  /** Told once. @param unfinished its jobs, for whoever was told to settle */
  onDeath(thread: FinalizerThread, unfinished: readonly PoolJob[], why: string): void;
};

export class FinalizerThread {
  readonly #worker: Worker;
  readonly #listener: ThreadListener;
  readonly #now: () => number;
  readonly #jobs = new Map<number, PoolJob>();
  readonly #followed = new Set<string>();
  #numbers = 0;
  /** When each that it follows had last been at the end of its journal. */
  #abreastMs = 0;
  #isDead = false;

  /** @param now ms, never set back */
  constructor(worker: Worker, listener: ThreadListener, now: () => number) {
    this.#worker = worker;
    this.#listener = listener;
    this.#now = now;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    let failure: string | undefined;
    // It still has files open: its end follows.
    worker.on('error', ({ message }) => {
      failure = message;
    });
    worker.on('exit', (code) => this.#lose(failure ?? `its thread ended (${code})`));
    // A thread that only follows does not keep the program alive.
    worker.unref();
  }

  get jobs(): number {
    return this.#jobs.size;
  }

  get follows(): number {
    return this.#followed.size;
  }

  /** Since when something that it follows has been behind, ms; now when nothing is. */
  get abreastMs(): number {
    return this.#followed.size === 0 ? this.#now() : this.#abreastMs;
  }

  run(job: PoolJob): void {
    const number = ++this.#numbers;
    this.#jobs.set(number, job);
    this.#worker.ref();
    this.#post({ kind: 'run', number, job: job.job });
  }

  follow(job: FollowJob): void {
    if (this.#followed.size === 0) this.#abreastMs = this.#now();
    this.#followed.add(job.journalPath);
    this.#post({ kind: 'follow', job });
  }

  unfollow(journalPath: string): void {
    this.#post({ kind: 'unfollow', journalPath });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'progress':
        this.#jobs.get(message.number)?.onProgress(message.share);
        break;
      case 'done':
        this.#end(message.number)?.resolve(message.result);
        break;
      case 'failed':
        this.#end(message.number)?.reject(new AppError(message.code, message.message));
        break;
      case 'left':
        this.#followed.delete(message.journalPath);
        this.#listener.onLeft(this, message.journalPath, message.why, message.error);
        break;
      case 'abreast':
        this.#abreastMs = this.#now() - message.behindMs;
        break;
      default:
        message satisfies never;
    }
  }

  #end(number: number): PoolJob | undefined {
    const job = this.#jobs.get(number);
    if (job === undefined) return undefined;
    this.#jobs.delete(number);
    this.#followed.delete(job.job.journalPath);
    if (this.#jobs.size === 0) this.#worker.unref();
    this.#listener.onEnd(this, job.job);
    return job;
  }

  #lose(why: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#listener.onDeath(this, [...this.#jobs.values()], why);
  }
}
