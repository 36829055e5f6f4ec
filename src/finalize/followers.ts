/**
 * The recordings that one thread follows: a slice of each in turn, each again two seconds after it came to the end of what there was,
 * and none while the thread has jobs. One that fails, or can't be done before its end, is let go: its job begins from the journal.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { asAppError } from '../core/errors.ts';
import type { Finalization } from './finalization.ts';
import type { FollowJob } from './finalize-job.ts';
import type { FollowError, LeftReason } from './job-messages.ts';

const SLICE_MS = 20;
const EVERY_US = 2_000_000;
const TELL_US = 1_000_000;

export type Followed = Pick<Finalization, 'advance' | 'finish' | 'abort'>;

export type FollowersOptions = {
  readonly clock: Clock;
  readonly make: (job: FollowJob) => Followed;
  /** It is followed no longer, and nothing of it is left. */
  readonly onLeft: (journalPath: string, why: LeftReason, error?: FollowError) => void;
  /** Told about each second. @param behindMs since the last time that each was at the end of its journal, at most. */
  readonly onAbreast: (behindMs: number) => void;
};

type Follower = {
  readonly path: string;
  readonly work: Followed;
  /** When it may go on. */
  dueUs: number;
  /** When it was last at the end of its journal, or was begun. */
  abreastUs: number;
  /** In hand; never rejects. */
  slice: Promise<void>;
  isGone: boolean;
};

export class Followers {
  readonly #options: FollowersOptions;
  readonly #all = new Map<string, Follower>();
  #isGoing = false;
  #jobs = 0;
  #toldUs = 0;
  /** Ends the rest between two slices. */
  #wake: () => void = () => {};

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  /** What is followed already is not followed twice. */
  follow(job: FollowJob): void {
    const { clock, make } = this.#options;
    const { journalPath: path } = job;
    if (this.#all.has(path)) return;
    const nowUs = clock.now();
    const timing = { dueUs: nowUs, abreastUs: nowUs };
    this.#all.set(path, { path, work: make(job), ...timing, slice: Promise.resolve(), isGone: false });
    this.#wake();
    if (!this.#isGoing) void this.#go();
  }

  /** Lets it go, and removes what it has written. */
  async unfollow(path: string): Promise<void> {
    const work = await this.take(path);
    // It was let go, and told of.
    if (work === undefined) return;
    await work.abort().catch(() => {});
    this.#options.onLeft(path, 'asked');
  }

  /** Hands it over: nothing here works on it any more. @returns undefined when it is not followed */
  async take(path: string): Promise<Followed | undefined> {
    const follower = this.#all.get(path);
    if (follower === undefined) return undefined;
    this.#all.delete(path);
    await follower.slice;
    return follower.isGone ? undefined : follower.work;
  }

  /** A job begins: nothing is followed meanwhile. */
  hold(): void {
    this.#jobs++;
  }

  release(): void {
    this.#jobs--;
    if (this.#jobs === 0) this.#wake();
  }

  /** Goes on as long as there is anything to follow. */
  async #go(): Promise<void> {
    const { clock } = this.#options;
    this.#isGoing = true;
    while (this.#all.size > 0) {
      const next = this.#next();
      const restMs = this.#jobs > 0 ? undefined : Math.max(0, (next.dueUs - clock.now()) / 1000);
      if (restMs === 0) {
        // To the end of the line of those that are due at one time.
        this.#all.delete(next.path);
        this.#all.set(next.path, next);
        next.slice = this.#advance(next);
        await next.slice;
        this.#tell();
        // Whoever has something to say to this thread is heard in between.
        await setImmediate();
      } else await this.#rest(restMs);
    }
    this.#isGoing = false;
  }

  #next(): Follower {
    let next: Follower | undefined;
    for (const each of this.#all.values()) if (next === undefined || each.dueUs < next.dueUs) next = each;
    return next!;
  }

  /** @param ms undefined: until it is woken */
  async #rest(ms: number | undefined): Promise<void> {
    const early = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const slept = ms === undefined ? [] : [this.#options.clock.sleep(ms, early.signal).catch(() => {})];
    await Promise.race([woken, ...slept]);
    this.#wake = () => {};
    early.abort();
  }

  async #advance(follower: Follower): Promise<void> {
    const { clock } = this.#options;
    try {
      const done = await follower.work.advance(SLICE_MS);
      const nowUs = clock.now();
      switch (done) {
        case 'more':
          follower.dueUs = nowUs;
          break;
        case 'abreast':
          follower.abreastUs = nowUs;
          follower.dueUs = nowUs + EVERY_US;
          break;
        case 'given up':
          await this.#letGo(follower, 'given up');
          break;
        default:
          done satisfies never;
      }
    } catch (error) {
      const { code, message } = asAppError(error);
      await this.#letGo(follower, 'failed', { code, message });
    }
  }

  async #letGo(follower: Follower, why: LeftReason, error?: FollowError): Promise<void> {
    const { path, work } = follower;
    follower.isGone = true;
    await work.abort().catch(() => {});
    if (this.#all.get(path) === follower) this.#all.delete(path);
    this.#options.onLeft(path, why, error);
  }

  #tell(): void {
    const nowUs = this.#options.clock.now();
    if (nowUs - this.#toldUs < TELL_US) return;
    this.#toldUs = nowUs;
    let sinceUs = nowUs;
    for (const { abreastUs } of this.#all.values()) sinceUs = Math.min(sinceUs, abreastUs);
    this.#options.onAbreast((nowUs - sinceUs) / 1000);
  }
}
