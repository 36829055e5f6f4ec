/** Finalizers at work: jobs wait in order for one of a fixed number of worker threads, which are started when needed. */
import { Worker } from 'node:worker_threads';
import { builtUrl } from '../core/built-url.ts';
import { AppError } from '../core/errors.ts';
import type { FinalizeJob, FinalizeResult } from './finalize-recording.ts';
import type { FromWorker, ToWorker } from './job-messages.ts';

const WORKER_URL = builtUrl('finalize/worker.js');

type Waiting = {
  readonly job: FinalizeJob;
  readonly onProgress: (share: number) => void;
  readonly resolve: (result: FinalizeResult) => void;
  readonly reject: (error: AppError) => void;
};

export class FinalizePool {
  readonly #size: number;
  readonly #waiting: Waiting[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Waiting>();
  #closed = false;

  /** @param size threads at most. */
  constructor(size: number) {
    this.#size = Math.max(1, size);
  }

  /** Jobs that wait or run. */
  get depth(): number {
    return this.#waiting.length + this.#busy.size;
  }

  /** @throws AppError what the finalizer met; ENCODE_FAILED when its thread died. The journal is as it was. */
  run(job: FinalizeJob, onProgress: (share: number) => void = () => {}): Promise<FinalizeResult> {
    if (this.#closed) return Promise.reject(new AppError('ENCODE_FAILED', 'the finalizer is shut down'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, onProgress, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads; what has not finished fails, and its journal stays. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0))
      waiting.reject(new AppError('ENCODE_FAILED', 'the finalizer is shut down'));
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#busy.size < this.#size) {
      const worker = this.#idle.pop() ?? this.#start();
      const waiting = this.#waiting.shift()!;
      this.#busy.set(worker, waiting);
      worker.ref();
      worker.postMessage({ job: waiting.job } satisfies ToWorker);
    }
  }

  #start(): Worker {
    const worker = new Worker(WORKER_URL);
    worker.on('message', (message: FromWorker) => this.#hear(worker, message));
    worker.on('error', (error) => this.#lose(worker, error.message));
    worker.on('exit', (code) => this.#lose(worker, `its thread ended (${code})`));
    return worker;
  }

  #hear(worker: Worker, message: FromWorker): void {
    const waiting = this.#busy.get(worker);
    if (waiting === undefined) return;
    switch (message.kind) {
      case 'progress':
        waiting.onProgress(message.share);
        return;
      case 'done':
        waiting.resolve(message.result);
        break;
      case 'failed':
        waiting.reject(new AppError(message.code, message.message));
        break;
      default:
        message satisfies never;
    }
    this.#busy.delete(worker);
    // An idle thread does not keep the program alive.
    worker.unref();
    this.#idle.push(worker);
    this.#next();
  }

  #lose(worker: Worker, why: string): void {
    const waiting = this.#busy.get(worker);
    this.#busy.delete(worker);
    const idle = this.#idle.indexOf(worker);
    if (idle >= 0) this.#idle.splice(idle, 1);
    waiting?.reject(new AppError('ENCODE_FAILED', `the finalizer failed: ${why}`));
    if (!this.#closed) this.#next();
  }
}
