/**
 * Replays of uploads, as jobs (design §6.3): in line, account after account, so many at once, each off the main thread. A job is done
 * when its recordings are finalized; one that a restart interrupts begins anew under its id.
 */
import { AppError, asAppError } from '../../core/errors.ts';
import type { JobDocument } from '../../http/service.ts';
import type { DataFolders } from './data-folders.ts';
import { FairQueue } from './fair-queue.ts';
import { findJobs, JobFolder, type JobOrder } from './job-folder.ts';
import { type ReplayRunOptions, runReplay } from './replay-run.ts';

/** Jobs that wait for their turn. */
const MOST_WAITING = 200;
/** Jobs that have ended and can still be asked about. */
const MOST_ENDED = 1000;
/** Reading is this much of a job, finalizing the rest. */
const READING_SHARE = 0.5;

export type ReplayJobsOptions = ReplayRunOptions & {
  readonly folders: DataFolders;
  readonly atOnce: number;
  /** How far a recording is with the finalizer; undefined when it is not there any more. */
  readonly progressOf: (id: string) => number | undefined;
};

type Job = { readonly folder: JobFolder; readonly order: JobOrder; document: JobDocument };

export class ReplayJobs {
  readonly #options: ReplayJobsOptions;
  /** In the order they came. */
  readonly #jobs = new Map<string, Job>();
  readonly #waiting = new FairQueue<Job>();
  readonly #running = new Map<Job, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: ReplayJobsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /** @throws RATE_LIMITED; the operating system's error */
  async add(accountId: string, upload: { id: string; path: string } & JobOrder): Promise<JobDocument> {
    if (this.#waiting.size >= MOST_WAITING)
      throw new AppError('RATE_LIMITED', 'too many replays wait for their turn', {
        details: { retryAfterSeconds: 60 },
      });
    const { journals, folders } = this.#options;
    const folder = new JobFolder(folders, accountId, upload.id);
    const order: JobOrder = { name: upload.name, fields: upload.fields };
    try {
      await folder.fill(order, upload.path);
    } catch (error) {
      await folder.remove(journals);
      throw error;
    }
    return this.#enter(folder, order).document;
  }

  /** @throws NOT_FOUND */
  get(accountId: string, id: string): JobDocument {
    const job = this.#jobs.get(id);
    if (job === undefined || job.folder.accountId !== accountId) throw new AppError('NOT_FOUND', 'no such job');
    const { document } = job;
    const { recordings } = document;
    if (document.state !== 'running' || recordings.length === 0) return document;
    const finalized = recordings.reduce((sum, each) => sum + (this.#options.progressOf(each) ?? 1), 0);
    return { ...document, progress: READING_SHARE + (1 - READING_SHARE) * (finalized / recordings.length) };
  }

  /** Takes up what an earlier run has left. Idempotent. */
  async recover(): Promise<void> {
    for (const folder of await findJobs(this.#options.folders)) {
      if (this.#jobs.has(folder.id)) continue;
      const order = await folder.order();
      if (order === undefined) await folder.remove(this.#options.journals);
      else this.#enter(folder, order);
    }
  }

  /** Resolves when none waits or runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Ends what runs: it begins anew after the next start. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new AppError('INTERNAL', 'the service is shutting down'));
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #enter(folder: JobFolder, order: JobOrder): Job {
    const document: JobDocument = {
      id: folder.id,
      kind: 'replay',
      state: 'queued',
      progress: 0,
      recordings: [],
      error: null,
    };
    const job: Job = { folder, order, document };
    this.#jobs.set(folder.id, job);
    this.#forgetOld();
    this.#waiting.push(folder.accountId, job);
    this.#next();
    return job;
  }

  #next(): void {
    while (!this.#stop.signal.aborted && this.#running.size < this.#options.atOnce) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const running = this.#run(job).finally(() => {
        this.#running.delete(job);
        this.#next();
      });
      this.#running.set(job, running);
    }
  }

  /** Never rejects. */
  async #run(job: Job): Promise<void> {
    const { teller } = this.#options;
    const { accountId, id } = job.folder;
    this.#change(job, { state: 'running' });
    teller.publish(accountId, 'replay.running', { id });
    try {
      const options = { ...this.#options, signal: this.#stop.signal };
      const recordings = await runReplay(job.folder, job.order, options, {
        onRead: (share) => this.#change(job, { progress: READING_SHARE * share }),
        onRecordings: (ids) => this.#change(job, { progress: READING_SHARE, recordings: ids }),
      });
      this.#change(job, { state: 'done', progress: 1, recordings });
      teller.publish(accountId, 'replay.done', { id, recordings });
    } catch (error) {
      // Interrupted by us: it stays where it is.
      if (this.#stop.signal.aborted) return;
      await this.#fail(job, asAppError(error));
    }
  }

  async #fail(job: Job, failure: AppError): Promise<void> {
    const { teller } = this.#options;
    const { accountId, id } = job.folder;
    try {
      // Journals that are complete are never thrown away: the next start takes them over.
      if ((await job.folder.done()) === undefined) await job.folder.remove(this.#options.journals);
    } catch (cause) {
      teller.defect('a job could not be removed', cause);
    }
    const error = teller.told(failure);
    this.#change(job, { state: 'failed', error });
    teller.publish(accountId, 'replay.failed', { id, error });
  }

  #change(job: Job, change: Partial<JobDocument>): void {
    job.document = { ...job.document, ...change };
  }

  #forgetOld(): void {
    for (const [id, { document }] of this.#jobs) {
      if (this.#jobs.size <= MOST_ENDED + MOST_WAITING) return;
      if (document.state === 'done' || document.state === 'failed') this.#jobs.delete(id);
    }
  }
}
